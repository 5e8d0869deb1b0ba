'use strict';

// Takes out what osls says twice: a function that names its role by its ARN waits for it anyway.

class Dependencies {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        thinOut(serverless.service.provider.compiledCloudFormationTemplate.Resources),
    };
  }
}

function thinOut(resources) {
  for (const { Type, Properties, DependsOn } of Object.values(resources)) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const [role] = Properties.Role['Fn::GetAtt'];
    DependsOn.splice(0, DependsOn.length, ...DependsOn.filter((name) => name !== role));
  }
}

module.exports = Dependencies;
