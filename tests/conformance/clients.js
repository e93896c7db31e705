// SPDX-License-Identifier: Apache-2.0
// Calls every method with @grpc/grpc-js: node clients.js TARGET PROTO_DIR [ROOT.pem [KEY CERT]] < requests (JSON: [[service file, service, method,
// request], ...]). Prints the answers as JSON.
const fs = require("fs");
const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, protos, root, key, cert] = process.argv.slice(2);
const read = (name) => (name ? fs.readFileSync(name) : null);
const credentials = root ? grpc.credentials.createSsl(read(root), read(key), read(cert)) : grpc.credentials.createInsecure();

const clientOf = (file, service) => {
  const loaded = loader.loadSync(path.join(protos, file), { includeDirs: [protos], keepCase: true, longs: String, enums: String, bytes: String });
  const names = grpc.loadPackageDefinition(loaded);
  return new (service.split(".").reduce((scope, name) => scope[name], names))(target, credentials);
};

(async () => {
  const answers = [];
  for (const [file, service, method, request] of JSON.parse(fs.readFileSync(0))) {
    const client = clientOf(file, service);
    answers.push(
      await new Promise((done) =>
        client[method](request, { deadline: Date.now() + 20000 }, (error, answer) =>
          done(error ? { code: error.code, details: error.details } : answer)
        )
      )
    );
    client.close();
  }
  console.log(JSON.stringify(answers));
})();
