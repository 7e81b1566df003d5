// Compiled programs against ../shared/data/goldens: PyTorch's values in float64 (DESIGN section 8).

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Program/Program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

using namespace mlora;
namespace fs = std::filesystem;

namespace {

double relative(std::span<const float> a, std::span<const float> b) {
  double worst = 0, scale = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    worst = std::max(worst, std::abs(double(a[i]) - b[i]));
    scale = std::max(scale, std::abs(double(b[i])));
  }
  return scale > 0 ? worst / scale : worst;
}

struct Case {
  fs::path folder, model;
  nlohmann::json info;
  std::unique_ptr<Checkpoint> base;

  explicit Case(const std::string &name) : folder(fs::path(MLORA_SHARED) / "data/goldens" / name) {
    info = nlohmann::json::parse(std::ifstream(folder / "case.json"));
    model = info.contains("model") ? folder / info["model"].get<std::string>() : folder / "model";
    base = Checkpoint::open(model);
  }
  static bool present(const std::string &name) { return fs::exists(fs::path(MLORA_SHARED) / "data/goldens" / name); }

  ProgramRequest request(const std::string &kind) const {
    ProgramRequest request;
    request.kind = kind;
    request.model = model;
    request.method = info["method"];
    if (request.method != "ft") {
      request.numBranches = info["num_branches"];
      request.loraR = info["lora_r"];
      request.loraAlpha = info["lora_alpha"];
      for (auto &target : info["lora_target_modules"])
        request.targets.push_back(target);
    }
    // More capacity than rows: counts are run-time scalars.
    request.capacity.rows = request.capacity.countedRows = request.capacity.kvRows = 256;
    return request;
  }

  MicroBatch batch(const SafetensorsFile &file, int64_t index) const {
    const SafetensorsEntry &ids = file.get("input_ids");
    size_t rank = ids.shape.size(); // [k, b, t], or [b, t] in expected.safetensors
    int64_t rows = ids.shape[rank - 2], tokens = ids.shape[rank - 1];
    auto rowsOf = [&](const std::string &name) {
      std::vector<int64_t> all = file.integers(name);
      std::vector<std::vector<int32_t>> out;
      for (int64_t row = 0; row < rows; ++row) {
        auto begin = all.begin() + (index * rows + row) * tokens;
        out.emplace_back(begin, begin + tokens);
      }
      return out;
    };
    MicroBatch batch;
    batch.inputIds = rowsOf("input_ids");
    batch.labels = rowsOf("labels");
    if (file.find("document_ids")) {
      batch.documentIds = rowsOf("document_ids");
      batch.positionIds = rowsOf("position_ids");
    } else {
      std::vector<int32_t> positions(tokens);
      for (int64_t t = 0; t < tokens; ++t)
        positions[t] = int32_t(t);
      batch.documentIds.assign(rows, std::vector<int32_t>(tokens, 0));
      batch.positionIds.assign(rows, positions);
    }
    return batch;
  }
};

BundleCache cache() { return BundleCache(fs::temp_directory_path() / "mlora-test-cache", fs::path(MLORA_BIN) / "mlora-opt"); }

/// The program of a case, weights and parameters loaded.
struct Trainer {
  Trainer(const Case &golden, const std::string &adapter, int64_t threads = 0)
      : program(cache().get(golden.request("train")), threads), parameters(program) {
    loadWeights(program, *golden.base);
    if (golden.info["method"] == "ft")
      parameters.load(*golden.base);
    else {
      SafetensorsFile file(golden.folder / adapter);
      for (const ParameterTensor &tensor : parameters.tensors())
        parameters.write(tensor, ParameterPart::Value, file.floats(tensor.name));
    }
    if (program.has("prepare"))
      program.run("prepare");
    if (program.hasInput("loss_cotangent"))
      program.setInput("loss_cotangent", std::span<const float>(one));
  }

  /// Mean loss of a batch; gradients are in place.
  double step(const MicroBatch &batch, const char *section = "micro_step") {
    ProgramInputs inputs = flatten(batch);
    program.setInput("input_ids", inputs.inputIds);
    program.setInput("position_ids", inputs.positionIds);
    program.setInput("document_start", inputs.documentStart);
    program.setInput("counted", inputs.counted);
    program.setInput("targets", inputs.targets);
    Scalars scalars;
    scalars.rows = scalars.kvRows = int64_t(inputs.inputIds.size());
    scalars.countedRows = counted = int64_t(inputs.counted.size());
    program.run(section, scalars);
    return program.output("loss")[0] / double(counted);
  }
  double norm() {
    program.run("norm");
    return program.output("norm")[0] / double(counted);
  }
  void update(std::array<float, 8> hyper) {
    program.setInput("hyper", std::span<const float>(hyper));
    program.run("update");
  }

  const std::array<float, 1> one{1};
  Program program;
  Parameters parameters;
  int64_t counted = 0;
};

class Golden : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!Case::present(GetParam()))
      GTEST_SKIP() << "no ../shared/data/goldens";
  }
};

TEST_P(Golden, LossAndGradients) {
  Case golden(GetParam());
  bool ft = golden.info["method"] == "ft";
  Trainer trainer(golden, "adapter.safetensors");
  SafetensorsFile batches(ft ? golden.model.parent_path() / "batches.safetensors" : golden.folder / "batches.safetensors");
  MicroBatch batch = golden.batch(batches, 0);
  EXPECT_NEAR(trainer.step(batch, "score"), golden.info["loss"].get<double>(), 1e-5);
  EXPECT_NEAR(trainer.step(batch), golden.info["loss"].get<double>(), 1e-5);
  // With β1 = 0 and rate 0 the first moment becomes the gradient itself, and parameters stay.
  trainer.update({0, 0, 0, 1e-8f, 0, 1, 1, 1 / float(trainer.counted)});
  SafetensorsFile expected(golden.folder / (ft ? "gradients.safetensors" : "expected.safetensors"));
  int compared = 0;
  for (const ParameterTensor &tensor : trainer.parameters.tensors()) {
    std::string name = ft && expected.find(tensor.name) ? tensor.name : "grad." + tensor.name;
    ASSERT_TRUE(expected.find(name)) << name;
    EXPECT_LT(relative(trainer.parameters.read(tensor, ParameterPart::Moment1), expected.floats(name)), 1e-4) << name;
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST_P(Golden, Trajectory) {
  Case golden(GetParam());
  bool ft = golden.info["method"] == "ft";
  Trainer trainer(golden, "adapter_init.safetensors");
  SafetensorsFile batches(ft ? golden.model.parent_path() / "batches.safetensors" : golden.folder / "batches.safetensors");
  int64_t count = batches.get("input_ids").shape[0];
  auto trajectory = nlohmann::json::parse(std::ifstream(golden.folder / "trajectory.json"));
  auto &steps = trajectory.is_array() ? trajectory : trajectory["steps"];
  float decay = golden.info["training"]["weight_decay"];
  for (size_t k = 0; k < steps.size(); ++k) {
    double loss = trainer.step(golden.batch(batches, int64_t(k) % count)), norm = trainer.norm();
    EXPECT_NEAR(loss, steps[k]["loss"].get<double>(), 1e-3) << "step " << k;
    EXPECT_NEAR(norm, steps[k]["grad_norm"].get<double>(), 1e-3 * steps[k]["grad_norm"].get<double>()) << "step " << k;
    double scale = std::min(1.0, 1.0 / (norm + 1e-6)) / double(trainer.counted), t = double(k + 1);
    trainer.update({steps[k]["lr"].get<float>(), 0.9f, 0.999f, 1e-8f, decay, float(1 - std::pow(double(0.9f), t)),
                    float(1 - std::pow(double(0.999f), t)), float(scale)});
  }
}

TEST_P(Golden, SameBitsForAnyNumberOfThreads) {
  Case golden(GetParam());
  bool ft = golden.info["method"] == "ft";
  SafetensorsFile batches(ft ? golden.model.parent_path() / "batches.safetensors" : golden.folder / "batches.safetensors");
  std::vector<std::vector<float>> results[2];
  for (int threads : {1, 3}) {
    Trainer trainer(golden, "adapter.safetensors", threads);
    trainer.step(golden.batch(batches, 0));
    trainer.update({0.01f, 0.9f, 0.999f, 1e-8f, 0, 0.1f, 0.001f, 1 / float(trainer.counted)});
    for (const ParameterTensor &tensor : trainer.parameters.tensors())
      results[threads / 3].push_back(trainer.parameters.read(tensor, ParameterPart::Value));
  }
  EXPECT_EQ(results[0], results[1]);
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::Values("stories260k", "llama3-tiny", "packed", "full-finetune"),
                         [](auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// Logits of whole rows from the program of `generate`, in two pieces so that the cache is used.
class GoldenLogits : public Golden {};

TEST_P(GoldenLogits, PrefillInTwoPieces) {
  Case golden(GetParam());
  Program program(cache().get(golden.request("generate")));
  Parameters parameters(program);
  loadWeights(program, *golden.base);
  SafetensorsFile adapter(golden.folder / "adapter.safetensors"), expected(golden.folder / "expected.safetensors");
  for (const ParameterTensor &tensor : parameters.tensors())
    parameters.write(tensor, ParameterPart::Value, adapter.floats(tensor.name));
  program.run("prepare");
  MicroBatch batch = golden.batch(expected, 0);
  std::vector<float> all = expected.floats("logits");
  int64_t vocab = golden.base->config().vocabSize;
  size_t base = 0;
  for (const std::vector<int32_t> &row : batch.inputIds) {
    for (auto [first, last] : {std::pair<size_t, size_t>{0, 37}, {37, row.size()}}) {
      std::vector<int32_t> ids(row.begin() + first, row.begin() + last), positions, counted;
      for (size_t i = first; i < last; ++i) {
        positions.push_back(int32_t(i));
        counted.push_back(int32_t(i - first));
      }
      program.setInput("input_ids", ids);
      program.setInput("position_ids", positions);
      program.setInput("counted", counted);
      std::array<int32_t, 1> past{int32_t(first)};
      program.setInput("past", std::span<const int32_t>(past));
      Scalars scalars;
      scalars.rows = scalars.countedRows = int64_t(ids.size());
      scalars.past = int64_t(first);
      scalars.kvRows = int64_t(last);
      program.run("step", scalars);
      std::span<const float> want(all.data() + (base + first) * vocab, (last - first) * vocab);
      EXPECT_LT(relative(program.output("logits").first(want.size()), want), 1e-4);
    }
    base += row.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenLogits, testing::Values("stories260k", "llama3-tiny"), [](auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
