'use strict';

// Builds build/lambda.zip before osls packages or deploys it, so that nobody has to remember to,
// for the runtime and the processor that serverless.yml states.

const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');

class Bundle {
  constructor(serverless) {
    const run = () => build(serverless.service.provider);
    this.hooks = {
      'before:package:createDeploymentArtifacts': run,
      'before:deploy:function:packageFunction': run,
    };
  }
}

function build({ runtime, architecture }) {
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const what = ['--runtime', runtime, '--architecture', architecture];
  const { status } = spawnSync(python, ['-m', 'infra.build', ...what], { stdio: 'inherit' });
  if (status !== 0) {
    throw new Error('The bundle was not built; the lines above say why.');
  }
}

module.exports = Bundle;
