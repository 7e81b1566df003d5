#include "mlora/Runtime/Program/Parameters.h"

#include "../Expect.h"
#include "TestBundle.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <numeric>

using namespace mlora;
using namespace mlora::test;

namespace {

/// Tensors model.layers.{0,1,2}.w of eight values.
class ThreeLayers : public Checkpoint {
public:
  explicit ThreeLayers(int64_t width = 8, int layers = 3) {
    for (int layer = 0; layer < layers; ++layer)
      list.push_back({"model.layers." + std::to_string(layer) + ".w", {width}, "F32"});
  }
  const ModelConfig &config() const override { return modelConfig; }
  const std::filesystem::path &path() const override { return place; }
  const std::vector<TensorInfo> &tensors() const override { return list; }
  void readRows(const std::string &name, int64_t first, int64_t, std::span<float> out) const override {
    std::iota(out.begin(), out.end(), float(name[13] - '0') * 200 + float(first));
  }
  void read(const std::string &name, std::span<float> out) const override {
    readRows(name, 0, 1, out);
  }
  std::string fingerprint() const override { return ""; }

protected:
  std::vector<TensorInfo> list;

private:
  ModelConfig modelConfig;
  std::filesystem::path place = "three.safetensors";
};

/// The same of one row of 64 values in two blocks of Q4_1, their bytes counted up.
class ThreeLayersOfBlocks : public ThreeLayers {
public:
  explicit ThreeLayersOfBlocks(std::string dtype = "Q4_1") {
    for (TensorInfo &tensor : list)
      tensor.dtype = dtype, tensor.shape = {1, 64};
  }
  void store(size_t layer, const std::string &dtype) { list[layer].dtype = dtype; }
  void readBlocks(const std::string &name, int64_t first, int64_t, std::span<uint8_t> out) const override {
    std::iota(out.begin(), out.end(), uint8_t((name[13] - '0') * 50 + first));
  }
};

struct ParametersTest : testing::Test {
  TestBundle files;
  Program program{Bundle::load(files.path()), {.rows = 64}, 1};
};

TEST_F(ParametersTest, WeightsComeFromTheCheckpoint) {
  loadWeights(program, ThreeLayers());
  EXPECT_EQ(program.slot(2, 0)[7], 7);
  EXPECT_EQ(program.slot(2, 2)[3], 403);
  EXPECT_REFUSED(loadWeights(program, ThreeLayers(9)), "three.safetensors", "layers.0.w", "[9]", "[8]");
  EXPECT_REFUSED(loadWeights(program, ThreeLayers(8, 2)), "layers.2.w");
}

TEST_F(ParametersTest, WeightsAreRoundedToTheNearestOfTheirType) {
  files.json["buffers"][2]["dtype"] = "bf16";
  files.write();
  Program rounded{Bundle::load(files.path()), {.rows = 64}, 1};
  loadWeights(rounded, ThreeLayers());
  EXPECT_EQ(bfloatToFloat(rounded.bfloatSlot(2, 1)[7]), 207);
  EXPECT_EQ(bfloatToFloat(rounded.bfloatSlot(2, 2)[1]), 400); // between 400 and 402: the even one
  EXPECT_EQ(bfloatToFloat(rounded.bfloatSlot(2, 2)[3]), 404);
  EXPECT_REFUSED(rounded.slot(2, 0), "buffer w", "another type");
  EXPECT_REFUSED(rounded.bfloatSlot(3, 0), "buffer p", "another type");
}

TEST_F(ParametersTest, BlocksStayAsTheyAreStored) {
  nlohmann::json &weight = files.json["buffers"][2];
  weight["dtype"] = "i8";
  weight["shape"] = {1, 40};
  weight["format"] = "Q4_1";
  files.write();
  Program blocks{Bundle::load(files.path()), {.rows = 64}, 1};
  loadWeights(blocks, ThreeLayersOfBlocks());
  ASSERT_EQ(blocks.byteSlot(2, 1).size(), 40u);
  EXPECT_EQ(blocks.byteSlot(2, 1)[39], 50 + 39);
  EXPECT_REFUSED(loadWeights(blocks, ThreeLayersOfBlocks("Q8_0")), "layers.0.w", "stored as Q8_0", "Q4_1");
  EXPECT_REFUSED(loadWeights(blocks, ThreeLayers()), "layers.0.w", "[8]", "[1, 64]");
}

TEST_F(ParametersTest, BlocksOfALayerSayTheirFormat) {
  nlohmann::json &weight = files.json["buffers"][2];
  weight["dtype"] = "i8";
  weight["shape"] = {2, 48}; // a row of two blocks of Q5_1, the wider of both, and which of them it is
  weight["slot_bytes"] = 128;
  weight["format"] = "Q4_1|Q5_1";
  files.write();
  Program blocks{Bundle::load(files.path()), {.rows = 64}, 1};
  ThreeLayersOfBlocks checkpoint;
  checkpoint.store(1, "Q5_1");
  loadWeights(blocks, checkpoint);
  ASSERT_EQ(blocks.byteSlot(2, 0).size(), 96u);
  for (auto [slot, bytes, number] : {std::tuple(0, 40, 0), {1, 48, 1}, {2, 40, 0}}) {
    EXPECT_EQ(blocks.byteSlot(2, slot)[size_t(bytes) - 1], slot * 50 + bytes - 1);
    EXPECT_EQ(blocks.byteSlot(2, slot)[48], number);
  }
  checkpoint.store(2, "Q8_0");
  EXPECT_REFUSED(loadWeights(blocks, checkpoint), "layers.2.w", "stored as Q8_0", "compiled for Q4_1 or Q5_1");
}

TEST_F(ParametersTest, StridedTensorsAreReadAsTheyWereWritten) {
  Parameters parameters(program);
  ASSERT_EQ(parameters.tensors().size(), 9u);
  EXPECT_EQ(parameters.tensors()[3].name, "layers.1.A");
  EXPECT_EQ(parameters.elements(), 3 * (12 + 12 + 4));
  float next = 1;
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : {ParameterPart::Value, ParameterPart::Moment1}) {
      std::vector<float> values(static_cast<size_t>(tensor.elements()));
      std::iota(values.begin(), values.end(), next);
      next += 100;
      parameters.write(tensor, part, values);
      EXPECT_EQ(parameters.read(tensor, part), values);
    }
  next = 1;
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : {ParameterPart::Value, ParameterPart::Moment1}) {
      EXPECT_EQ(parameters.read(tensor, part)[0], next);
      next += 100;
    }
  // Tensor B is stored transposed: element (2, 1) lies at row 1, column 3 + 2. Column 7 is padding.
  const ParameterTensor &b = *parameters.find("layers.2.B");
  EXPECT_EQ(program.slot(3, 2)[8 + 5], parameters.read(b, ParameterPart::Value)[2 * 4 + 1]);
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(program.slot(3, 2)[row * 8 + 7], 0);
}

TEST_F(ParametersTest, SaysWhatIsMissing) {
  Parameters parameters(program);
  EXPECT_EQ(parameters.find("layers.3.A"), nullptr);
  EXPECT_REFUSED(parameters.read(parameters.tensors()[0], ParameterPart::Moment2), "moment2", "layers.0.A");
  EXPECT_REFUSED(parameters.write(parameters.tensors()[0], ParameterPart::Value, {}), "12 elements");
  EXPECT_REFUSED(parameters.load(ThreeLayers()), "layers.0.A");
}

} // namespace
