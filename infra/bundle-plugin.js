'use strict';

// Builds build/lambda.zip before osls packages or deploys it, so that nobody has to remember to.

const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');

class Bundle {
  constructor() {
    this.hooks = {
      'before:package:createDeploymentArtifacts': build,
      'before:deploy:function:packageFunction': build,
    };
  }
}

function build() {
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const { status } = spawnSync(python, ['-m', 'infra.build'], { stdio: 'inherit' });
  if (status !== 0) {
    throw new Error('The bundle was not built; the lines above say why.');
  }
}

module.exports = Bundle;
