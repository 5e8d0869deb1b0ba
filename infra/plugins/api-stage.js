'use strict';

// Makes the API's stage a resource of its own (infra/front-doors/api-gateway.yml). osls has
// deployments make the stage, and such a stage can have no throttling and no firewall. A deployment
// is immutable and has a new name each time, so the stage is told here which one it shows.

class ApiStage {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        showDeployment(serverless.service.provider.compiledCloudFormationTemplate.Resources),
    };
  }
}

function showDeployment(resources) {
  const found = Object.entries(resources).find(
    ([, resource]) => resource.Type === 'AWS::ApiGateway::Deployment',
  );
  if (!found) return; // another front door
  const [name, deployment] = found;
  delete deployment.Properties.StageName;
  resources.ApiStage.Properties.DeploymentId = { Ref: name };
}

module.exports = ApiStage;
