// The paper's budgets on the configurations of models/, against numbers worked out by hand.
#include "mlora/Runtime/Adapter/ParameterCount.h"
#include "../Expect.h"
#include "mlora/Runtime/Model/ModelTensors.h"

using namespace mlora;

namespace {

int64_t trained(const std::string &model, const std::string &method, int64_t branches, int64_t rank) {
  ModelConfig config =
      ModelConfig::read(std::filesystem::path(MLORA_SOURCE) / "models" / model / "config.json");
  return trainedParameters(config,
                           {method, branches, rank, double(rank), {projections.begin(), projections.end()}});
}

struct Budget {
  const char *model;
  int64_t r96, r160, n3, n5, ft;
};

} // namespace

// A rank of all seven costs a layer 4 (h + h) + 3 (h + f), a branch's scalings 5 h + 2 f: with 7B's h = 4096,
// f = 11008 and 32 layers 78,080 · 32 = 2,498,560 and 42,496 · 32 = 1,359,872; and so on.
TEST(ParameterCount, PaperBudgets) {
  const Budget budgets[] = {
      {"llama-7b", 239861760, 399769600, 239861760 + 3 * 1359872, 399769600 + 5 * 1359872, 6738415616},
      {"llama-13b", 375521280, 625868800, 375521280 + 3 * 2129920, 625868800 + 5 * 2129920, 13015864320},
      {"llama-30b", 731381760, 1218969600, 731381760 + 3 * 4147200, 1218969600 + 5 * 4147200, 32528943616},
      {"llama-65b", 1199308800, 1998848000, 1199308800 + 3 * 6799360, 1998848000 + 5 * 6799360, 65285660672},
  };
  for (const Budget &budget : budgets) {
    EXPECT_EQ(trained(budget.model, "lora", 1, 96), budget.r96) << budget.model;
    EXPECT_EQ(trained(budget.model, "lora", 1, 160), budget.r160) << budget.model;
    EXPECT_EQ(trained(budget.model, "multilora", 3, 32), budget.n3) << budget.model;
    EXPECT_EQ(trained(budget.model, "multilora", 5, 32), budget.n5) << budget.model;
    EXPECT_EQ(trained(budget.model, "ft", 1, 1), budget.ft) << budget.model;
  }
}

// The totals that their publishers give.
TEST(ParameterCount, WholeModels) {
  EXPECT_EQ(trained("llama-2-7b", "ft", 1, 1), 6738415616);
  EXPECT_EQ(trained("llama-2-13b", "ft", 1, 1), 13015864320);
  EXPECT_EQ(trained("llama-2-70b", "ft", 1, 1), 68976648192);
  EXPECT_EQ(trained("llama-3.1-8b", "ft", 1, 1), 8030261248);
  EXPECT_EQ(trained("smollm2-135m", "ft", 1, 1), 134515008);
}

// What is counted is what an adapter has.
TEST(ParameterCount, EqualsAnAdaptersTensors) {
  ModelConfig config =
      ModelConfig::read(std::filesystem::path(MLORA_SOURCE) / "models/smollm2-135m/config.json");
  AdapterShape shape{"multilora", 3, 4, 4, {"q_proj", "v_proj", "down_proj"}};
  Adapter adapter;
  adapter.numBranches = 3;
  adapter.rank = 4;
  adapter.targets = shape.targets;
  int64_t count = 0;
  for (const AdapterTensorSpec &spec : adapterTensors(adapter, config))
    count += spec.shape[0] * (spec.shape.size() == 2 ? spec.shape[1] : 1);
  EXPECT_EQ(trainedParameters(config, shape), count);
  shape.method = "prefix";
  EXPECT_REFUSED(trainedParameters(config, shape), "'prefix'", "multilora");
}
