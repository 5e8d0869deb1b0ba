'use strict';

// Tells the web function's revision where its code is (infra/front-doors/web-function.yml): the
// same object that the scheduled functions run, in the bucket of deployments. Web functions read it
// there themselves, so the bucket's policy lets them.

class WebCode {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        pointToCode(serverless.service.provider.compiledCloudFormationTemplate.Resources),
    };
  }
}

function pointToCode(resources) {
  const revision = resources.GatewayRevision;
  if (!revision) return; // another front door
  const code = resources.LedgerLambdaFunction.Properties.Code;
  revision.Properties.BuildConfig.CodeConfig.S3Object = { Bucket: code.S3Bucket, Key: code.S3Key };
  resources.ServerlessDeploymentBucketPolicy.Properties.PolicyDocument.Statement.push({
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::${ServerlessDeploymentBucket}/*' },
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  });
}

module.exports = WebCode;
