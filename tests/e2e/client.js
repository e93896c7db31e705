// SPDX-License-Identifier: Apache-2.0
// Calls Predict and GetModelStatus with @grpc/grpc-js: node client.js HOST:PORT MODEL PROTO_DIR. Prints one JSON line with the answers and the
// error of a model that is not there.
const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, model, protos] = process.argv.slice(2);
const load = (file) =>
  grpc.loadPackageDefinition(
    loader.loadSync(path.join(protos, file), { includeDirs: [protos], keepCase: true, longs: String, enums: String })
  ).tensorflow.serving;
const credentials = grpc.credentials.createInsecure();
const prediction = new (load("tensorflow_serving/apis/prediction_service.proto").PredictionService)(target, credentials);
const models = new (load("tensorflow_serving/apis/model_service.proto").ModelService)(target, credentials);

const call = (client, method, request) =>
  new Promise((done) =>
    client[method](request, { deadline: Date.now() + 20000 }, (error, answer) =>
      done(error ? { code: error.code, details: error.details } : answer)
    )
  );

const request = (name) => ({
  model_spec: { name },
  inputs: { x: { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: 3 }] }, float_val: [1, 2, 5] } },
});

(async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => call(prediction, "Predict", request(model))));
  console.log(
    JSON.stringify({
      values: answers.map((a) => a.outputs && a.outputs.y.float_val),
      spec: answers[0].model_spec,
      missing: await call(prediction, "Predict", request("nobody")),
      status: await call(models, "GetModelStatus", { model_spec: { name: model } }),
    })
  );
  prediction.close();
  models.close();
})();
