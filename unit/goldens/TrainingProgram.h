// A training program as the goldens use it: opened, loaded, stepped.
#pragma once

#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Program/Program.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>

namespace mlora::test {

/// Elsewhere than where it was built (scripts/gpu-check) the cases lie in one folder, MLORA_GOLDENS.
inline std::string goldensFolder(const std::string &part, const std::string &built) {
  const char *moved = std::getenv("MLORA_GOLDENS");
  return moved && *moved ? std::string(moved) + part : built;
}

inline Bundle bundleFor(const ProgramRequest &request) {
  namespace fs = std::filesystem;
  return BundleCache(fs::temp_directory_path() / "mlora-test-cache", fs::path(MLORA_BIN) / "mlora-opt")
      .get(request);
}

inline nlohmann::json readJson(const std::filesystem::path &path) {
  return nlohmann::json::parse(std::ifstream(path));
}

/// max |a - b| / max |b|
inline double relative(std::span<const float> a, std::span<const float> b) {
  double worst = 0, scale = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    worst = std::max(worst, std::abs(double(a[i]) - b[i]));
    scale = std::max(scale, std::abs(double(b[i])));
  }
  return scale > 0 ? worst / scale : worst;
}

/// num_branches, lora_r, lora_alpha and lora_target_modules of a case.json.
inline void readAdapter(const nlohmann::json &info, ProgramRequest &request) {
  request.numBranches = info["num_branches"];
  request.loraR = info["lora_r"];
  request.loraAlpha = info["lora_alpha"];
  for (auto &target : info["lora_target_modules"])
    request.targets.push_back(target);
}

/// ‖a - b‖ and ‖b‖ of pairs of tensors, all of them one vector.
struct Distance {
  double error = 0, scale = 0;

  void add(std::span<const float> a, std::span<const float> b) {
    for (size_t i = 0; i < b.size(); ++i) {
      error += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
      scale += double(b[i]) * b[i];
    }
  }
  double relative() const { return std::sqrt(error / scale); }
};

/// What a program's errors may be. Losses: absolute in f32 (as DESIGN section 8 has them), relative in bf16.
struct Bounds {
  double loss = 1e-5, gradient = 1e-4, stepLoss = 1e-3, stepNorm = 1e-3;
  bool isBF16 = false;

  double ofLoss(double bound, double loss) const { return isBF16 ? bound * std::abs(loss) : bound; }
  /// AdamW's first steps go by a gradient's sign, also where bf16 has rounded it to another: later norms are
  /// those of other parameters.
  bool comparesNorm(size_t step) const { return !isBF16 || step == 0; }
};

/// The greatest error of some, for bounds that are set by what is measured.
struct Worst {
  double value = 0;
  std::string where;

  void note(double error, const std::string &name) {
    if (error > value)
      value = error, where = name;
  }
};

class TrainingProgram {
public:
  /// For the request's capacity. Frozen weights are loaded; parameters are written by the caller, who then
  /// calls `prepare`.
  TrainingProgram(const ProgramRequest &request, const Checkpoint &base, int64_t threads = 0,
                  Offload offload = {})
      : program(bundleFor(request), request.capacity, threads, offload), parameters(program) {
    loadWeights(program, base);
    const std::array<float, 1> one{1};
    program.setInput("loss_cotangent", std::span<const float>(one));
  }

  void prepare() {
    if (program.has("prepare"))
      program.run("prepare");
  }

  /// Mean loss of a batch; after a micro-step gradients are in place.
  double run(const MicroBatch &batch, const char *section = "micro_step") {
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

  /// [learning rate, β1, β2, ε, weight decay, 1 - β1^t, 1 - β2^t, gradient scale]
  void update(std::array<float, 8> hyper) {
    program.setInput("hyper", std::span<const float>(hyper));
    program.run("update");
  }

  /// Gradients of the mean loss: with β1 = 0 and rate 0 the first moment becomes the gradient itself, and
  /// parameters stay.
  void updateMomentsOnly() { update({0, 0, 0, 1e-8f, 0, 1, 1, 1 / float(counted)}); }

  /// One step of AdamW, clipped to norm 1, beside that of a trajectory: its loss and gradient norm are
  /// PyTorch's.
  void expectStep(const MicroBatch &batch, const nlohmann::json &wanted, size_t step, float weightDecay,
                  const Bounds &bounds = {}) {
    double loss = run(batch);
    program.run("norm");
    double norm = program.output("norm")[0] / double(counted), wantedNorm = wanted["grad_norm"];
    double wantedLoss = wanted["loss"];
    EXPECT_NEAR(loss, wantedLoss, bounds.ofLoss(bounds.stepLoss, wantedLoss)) << "step " << step;
    worstStep.note(std::abs(loss - wantedLoss) / wantedLoss, "step " + std::to_string(step));
    if (bounds.comparesNorm(step)) {
      EXPECT_NEAR(norm, wantedNorm, bounds.stepNorm * wantedNorm) << "step " << step;
    }
    double scale = std::min(1.0, 1 / (norm + 1e-6)) / double(counted), t = double(step + 1);
    // The betas as the kernel has them, in f32.
    update({wanted["lr"].get<float>(), 0.9f, 0.999f, 1e-8f, weightDecay, float(1 - std::pow(double(0.9f), t)),
            float(1 - std::pow(double(0.999f), t)), float(scale)});
  }

  Program program;
  Parameters parameters;
  int64_t counted = 0; ///< of the last batch
  Worst worstStep;     ///< of the losses of a trajectory, relative
};

} // namespace mlora::test
