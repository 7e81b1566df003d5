// What method=ft saved, from the commands' side: merged, compared, and told from an adapter.
#include "ScoredTraining.h"

#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <cmath>

using namespace mlora;
using namespace mlora::test;

namespace {

class TrainedWeights : public ScoredTraining {
protected:
  void SetUp() override {
    ScoredTraining::SetUp();
    run("train model=model datasets='[boolq, rte]' learning_rate=0.001 max_steps=2 max_length=64 "
        "num_threads=2 "
        "method=ft output_dir=full");
  }
  std::vector<float> weight(const std::string &file, const std::string &name) {
    return SafetensorsFile(folder / file).floats(name);
  }
};

TEST_F(TrainedWeights, MergeInAnyFormatAndAreVerified) {
  std::string base = Checkpoint::open(folder / "model")->fingerprint();
  EXPECT_EQ(SafetensorsFile(folder / "full/model.safetensors").metadata().at("base_fingerprint"), base);
  const char *name = "model.layers.1.mlp.up_proj.weight";
  std::vector<float> trained = weight("full/model.safetensors", name);
  std::string said = run("merge model=model adapter=full output_dir=merged --verify");
  for (const char *kind : {"embed_tokens", "input_layernorm", "up_proj", "norm ", "verified on"})
    EXPECT_NE(said.find(kind), std::string::npos) << kind << "\n" << said;
  EXPECT_EQ(said.find("lm_head"), std::string::npos) << said; // tied
  EXPECT_EQ(weight("merged/model.safetensors", name), trained);
  run("merge model=model adapter=full output_dir=half dtype=bf16 --verify");
  EXPECT_NE(errors().find("warning: rounding left less than 90 % of the update in "), std::string::npos)
      << errors();
  for (float &value : trained)
    value = bfloatToFloat(floatToBfloat(value));
  EXPECT_EQ(weight("half/model.safetensors", name), trained);
  nlohmann::json report = nlohmann::json::parse(
      run("merge model=model adapter=full output_dir=chance dtype=bf16 rounding=stochastic --json"));
  EXPECT_EQ(report["layers"].size(), 2u);
  EXPECT_NEAR(report["projections"]["embed_tokens"]["in_mean"].get<double>(), 1, 0.2);
  // The merged model says what the trained one says.
  run("merge model=model adapter=full output_dir=merged.gguf dtype=f32 --verify");
  std::string prompt = " prompt='so it is' max_new_tokens=12";
  std::string text = run("generate model=full" + prompt);
  EXPECT_EQ(run("generate model=merged" + prompt), text);
  EXPECT_EQ(run("generate model=merged.gguf tokenizer=model" + prompt), text);
}

TEST_F(TrainedWeights, AreNoAdapterElsewhere) {
  for (const char *words :
       {"generate model=model adapter=full prompt=a", "export model=model adapter=full output_dir=x",
        "eval model=model adapter=full eval_tasks='[{task: rte, path: rte}]'",
        "train model=model adapter=full datasets='[rte]' output_dir=x"}) {
    run(words, 2);
    EXPECT_NE(errors().find("full: holds a whole model"), std::string::npos) << errors();
    EXPECT_NE(errors().find("model_name_or_path"), std::string::npos) << errors();
  }
  run("merge model=model adapter=full,full output_dir=x", 2);
  EXPECT_NE(errors().find("full: holds a whole model (method=ft), which is merged alone"), std::string::npos)
      << errors();
  run("train model=full datasets='[rte]' max_length=64 max_steps=1 method=ft output_dir=second");
  run("merge model=model adapter=second output_dir=x", 2);
  EXPECT_NE(errors().find("was trained on another base"), std::string::npos) << errors();
  run("merge model=full adapter=second output_dir=x");
}

} // namespace
