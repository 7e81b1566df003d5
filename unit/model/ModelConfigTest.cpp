#include "mlora/Runtime/Model/ModelConfig.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "GgufBuilder.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <nlohmann/json.hpp>

using namespace mlora;
using mlora::test::GgufBuilder;
using mlora::test::TempFolder;
using nlohmann::json;

namespace {

json base() {
  return json::parse(
      R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32, "hidden_size": 8,
    "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "rms_norm_eps": 1e-5, "max_position_embeddings": 64})");
}

/// The base with some keys changed.
ModelConfig with(const char *changes) {
  json config = base();
  config.update(json::parse(changes));
  return ModelConfig::fromJson(config.dump(), "config.json");
}

} // namespace

TEST(ModelConfig, Defaults) {
  ModelConfig config = with("{}");
  EXPECT_EQ(config.numKeyValueHeads, 4);
  EXPECT_EQ(config.headDim, 2);
  EXPECT_EQ(config.ropeTheta, 10000);
  EXPECT_FALSE(config.tiedHead);
  EXPECT_FALSE(config.llama3);
  EXPECT_EQ(config.dtype, "float32");
  config = with(R"({"num_key_value_heads": null, "head_dim": 6, "rope_scaling": null, "eos_token_id": [1, 2],
                    "bos_token_id": null, "torch_dtype": "bfloat16", "tie_word_embeddings": true})");
  EXPECT_EQ(config.headDim, 6);
  EXPECT_EQ(config.eosTokens, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(config.dtype, "bfloat16");
  EXPECT_EQ(modelTensors(config).size(), 2u + 2 * 9);
  EXPECT_EQ(with(R"({"dtype": "float16"})").dtype, "float16");
}

TEST(ModelConfig, RopeOldAndNew) {
  ModelConfig old =
      with(R"({"rope_theta": 5e5, "rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1,
                             "high_freq_factor": 4, "original_max_position_embeddings": 8192}})");
  ModelConfig fresh = with(R"({"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8,
                      "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192}})");
  for (const ModelConfig &config : {old, fresh}) {
    EXPECT_EQ(config.ropeTheta, 5e5);
    ASSERT_TRUE(config.llama3);
    EXPECT_EQ(config.llama3->factor, 8);
    EXPECT_EQ(config.llama3->originalContext, 8192);
  }
  EXPECT_EQ(with(R"({"rope_parameters": {"rope_theta": 20000, "rope_type": "default"}})").ropeTheta, 20000);
}

TEST(ModelConfig, RefusesWhatIsNotBuilt) {
  EXPECT_REFUSED(with(R"({"model_type": "gpt2"})"), "config.json", "model_type", "unknown architecture");
  EXPECT_REFUSED(with(R"({"architectures": ["MistralForCausalLM"]})"), "architectures", "LlamaForCausalLM");
  EXPECT_REFUSED(with(R"({"rope_scaling": {"rope_type": "yarn", "factor": 2}})"), "rope_scaling",
                 "'yarn' is an unknown rope type");
  EXPECT_REFUSED(with(R"({"rope_scaling": {"type": "linear", "factor": 2}})"),
                 "'linear' is an unknown rope type");
  EXPECT_REFUSED(with(R"({"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4}})"), "'dynamic'");
  EXPECT_REFUSED(with(R"({"rope_scaling": {"rope_type": "llama3", "factor": 8}})"),
                 "\"low_freq_factor\": is missing");
  EXPECT_REFUSED(
      with(
          R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
                          "original_max_position_embeddings": 8192}})"),
      "llama3 rotary scaling needs");
  EXPECT_REFUSED(with(R"({"hidden_act": "gelu"})"), "hidden_act", "'gelu' is an unknown activation");
  EXPECT_REFUSED(with(R"({"attention_bias": true})"), "attention_bias");
  EXPECT_REFUSED(with(R"({"mlp_bias": true})"), "mlp_bias");
  EXPECT_REFUSED(with(R"({"quantization_config": {"quant_method": "gptq"}})"), "quantization_config");
  EXPECT_REFUSED(with(R"({"partial_rotary_factor": 0.5})"), "partial_rotary_factor");
}

TEST(ModelConfig, RefusesSizesThatDoNotFit) {
  EXPECT_REFUSED(with(R"({"hidden_size": "8"})"), "\"hidden_size\": an integer is expected");
  EXPECT_REFUSED(with(R"({"hidden_size": null})"), "\"hidden_size\"");
  EXPECT_REFUSED(with(R"({"num_hidden_layers": 0})"), "number of layers is 0");
  EXPECT_REFUSED(with(R"({"vocab_size": -1})"), "vocabulary's size is -1");
  EXPECT_REFUSED(with(R"({"num_attention_heads": 3})"), "3 heads do not divide the hidden size");
  EXPECT_REFUSED(with(R"({"num_attention_heads": 0})"), "the number of heads is 0");
  EXPECT_REFUSED(with(R"({"num_key_value_heads": 3})"), "no multiple of 3");
  EXPECT_REFUSED(with(R"({"num_key_value_heads": 8})"), "key-value heads is 8");
  EXPECT_REFUSED(with(R"({"head_dim": 3})"), "even");
  EXPECT_REFUSED(with(R"({"head_dim": 1099511627776})"), "size of a head");
  EXPECT_REFUSED(with(R"({"rms_norm_eps": 0})"), "epsilon");
  EXPECT_REFUSED(with(R"({"rope_theta": -1})"), "theta");
  EXPECT_REFUSED(ModelConfig::fromJson("{\n\"a\": 1,\n\"a\": 2}", "config.json"), "config.json:3:", "twice");
  TempFolder folder;
  EXPECT_REFUSED(ModelConfig::read(folder.path()), "no config.json");
}

TEST(ModelConfig, ReadsPublishedConfigurations) {
  std::filesystem::path configs = std::filesystem::path(MLORA_SHARED) / "data/configs";
  if (!std::filesystem::exists(configs))
    GTEST_SKIP() << configs << " is absent";
  int count = 0;
  for (const auto &file : std::filesystem::directory_iterator(configs))
    if (file.path().string().ends_with("config.json")) {
      EXPECT_NO_THROW(ModelConfig::read(file.path())) << file.path();
      ++count;
    }
  EXPECT_GT(count, 8);
  ModelConfig llama = ModelConfig::read(configs / "Llama-3.1-8B-Instruct.config.json");
  EXPECT_EQ(llama.numKeyValueHeads, 8);
  EXPECT_EQ(llama.llama3->factor, 8);
  EXPECT_EQ(llama.eosTokens.size(), 3u);
}

namespace {

GgufBuilder metadata() {
  GgufBuilder builder;
  builder.string("general.architecture", "llama")
      .integer("llama.context_length", 64)
      .integer("llama.embedding_length", 8);
  builder.integer("llama.block_count", 1)
      .integer("llama.feed_forward_length", 16)
      .integer("llama.attention.head_count", 2);
  builder.real("llama.attention.layer_norm_rms_epsilon", 1e-5f).integer("llama.vocab_size", 32);
  return builder;
}

ModelConfig read(const GgufBuilder &builder) {
  TempFolder folder;
  return ModelConfig::read(folder.file("m.gguf", builder.bytes()));
}

} // namespace

TEST(ModelConfig, Gguf) {
  ModelConfig config = read(metadata());
  EXPECT_EQ(config.headDim, 4);
  EXPECT_EQ(config.numKeyValueHeads, 2);
  EXPECT_TRUE(config.tiedHead);
  EXPECT_NEAR(config.rmsNormEps, 1e-5, 1e-12);
  config = read(metadata().floats("rope_freqs.weight", {2}, {1, 8}));
  EXPECT_EQ(config.ropeDivisors, (std::vector<double>{1, 8}));
  EXPECT_REFUSED(read(metadata().floats("rope_freqs.weight", {3}, {1, 8, 8})), "rope_freqs.weight",
                 "[2] is expected");
  EXPECT_REFUSED(read(metadata().floats("rope_freqs.weight", {2}, {1, 0})), "divisors");
  EXPECT_REFUSED(read(metadata().string("llama.rope.scaling.type", "yarn")),
                 "'yarn' is an unknown rope type");
  EXPECT_REFUSED(read(metadata().integer("llama.rope.dimension_count", 2)), "dimension_count");
  EXPECT_REFUSED(read(metadata().integer("llama.expert_count", 8)), "experts");
  EXPECT_REFUSED(read(metadata().integer("split.count", 2)), "split");
  EXPECT_REFUSED(read(GgufBuilder().string("general.architecture", "falcon")),
                 "'falcon' is an unknown architecture");
  EXPECT_REFUSED(read(GgufBuilder()), "general.architecture", "is missing");
  EXPECT_REFUSED(read(GgufBuilder().string("general.architecture", "llama")), "m.gguf", "is missing");
}
