#include "mlora/Runtime/Program/Bundle.h"

#include "../Expect.h"
#include "TestBundle.h"

using namespace mlora;
using namespace mlora::test;

namespace {

struct ManifestTest : testing::Test {
  TestBundle bundle;

  /// Puts a value at a JSON pointer and expects that to be refused.
  void refuses(const char *pointer, const nlohmann::json &value, const std::string &says) {
    nlohmann::json changed = bundle.json;
    changed[nlohmann::json::json_pointer(pointer)] = value;
    SCOPED_TRACE(pointer);
    EXPECT_REFUSED(Manifest::parse(changed, "m.json"), "m.json", says);
  }
};

TEST_F(ManifestTest, ReadsEveryPart) {
  Manifest manifest = Manifest::read(bundle.path() / "manifest.json");
  EXPECT_EQ(manifest.kind, "train");
  EXPECT_EQ(manifest.arena.fixed, 1792);
  EXPECT_EQ(manifest.arena.perRow[0], 164);
  ASSERT_EQ(manifest.buffers.size(), 9u);
  EXPECT_EQ(manifest.buffers[1].role, Role::Residual);
  EXPECT_EQ(manifest.buffers[1].slots, 4);
  EXPECT_EQ(manifest.buffers[1].region, 0);
  EXPECT_EQ(manifest.buffers[2].region, -1);
  EXPECT_EQ(manifest.buffers[1].elements({.rows = 64}), 64 * 8);
  EXPECT_EQ(manifest.kernels[1].blocks({.rows = 9}), 3 * 4);
  EXPECT_EQ(manifest.kernels[1].blocks({.rows = 0}), 0);
  EXPECT_EQ(manifest.kernels[3].blocks({.rows = 9}), 1);
  EXPECT_EQ(manifest.find("loss", Role::Output), 6);
  EXPECT_EQ(manifest.find("loss", Role::Input), -1);
  EXPECT_EQ(manifest.findSection("upward")->commands[0].layers(), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(manifest.findSection("downward")->commands[0].layers(), (std::vector<int64_t>{2, 1, 0}));
}

TEST_F(ManifestTest, RefusesWhatLiesInTheWrongRegion) {
  refuses("/buffers/0/region", nullptr, "lies in no region of rows");
  refuses("/buffers/2/region", "rows", "lies in a region of rows");
  refuses("/buffers/0/region", "kv_rows", "ends beyond its region of 0 bytes a row");
  refuses("/buffers/0/region", "past", "region");
  refuses("/buffers/0/region", 4, "region");
  refuses("/buffers/1/shape", {"rows", "rows"}, "more than one run-time extent");
}

TEST_F(ManifestTest, AWeightMayBeBlocks) {
  nlohmann::json &weight = bundle.json["buffers"][2];
  weight["dtype"] = "i8";
  weight["shape"] = {1, 20};
  weight["format"] = "Q4_1";
  Manifest manifest = Manifest::parse(bundle.json, "m.json");
  EXPECT_EQ(manifest.buffers[2].format, "Q4_1");
  EXPECT_EQ(bytesOf(manifest.buffers[2].type), 1);
  refuses("/buffers/2/format", "IQ1_S", "no blocks of format 'IQ1_S'");
  refuses("/buffers/2/format", nullptr, "where it has a format");
  refuses("/buffers/2/dtype", "bf16", "where it has a format");
  refuses("/buffers/2/shape", {1, 19}, "a multiple of 20 bytes");
  refuses("/buffers/2/shape", {20}, "a multiple of 20 bytes");
}

TEST_F(ManifestTest, BlocksMayBeOfSeveralFormats) {
  nlohmann::json &weight = bundle.json["buffers"][2];
  weight["dtype"] = "i8";
  weight["shape"] = {2, 24};
  weight["format"] = "Q4_1|Q5_1";
  EXPECT_EQ(Manifest::parse(bundle.json, "m.json").buffers[2].format, "Q4_1|Q5_1");
  refuses("/buffers/2/format", "Q4_1|IQ1_S", "no blocks of format 'Q4_1|IQ1_S'");
  refuses("/buffers/2/format", "Q4_1|Q4_1", "no blocks of format 'Q4_1|Q4_1'");
  refuses("/buffers/2/format", "Q4_1|", "no blocks of format 'Q4_1|'");
  refuses("/buffers/2/format", "Q4_1|Q8_0", "a multiple of 34 bytes");
  refuses("/buffers/2/shape", {2, 20}, "a multiple of 24 bytes");
  refuses("/buffers/2/shape", {1, 24}, "a multiple of 24 bytes");
}

TEST_F(ManifestTest, RefusesWhatDoesNotFit) {
  refuses("/format", 1, "format");
  refuses("/shared_object", "../program.so", "file name");
  refuses("/shared_object", ".", "file name");
  refuses("/arena/rows", -4, "arena");
  refuses("/arena/fixed", 1728, "ends beyond its region of 1728 bytes");
  refuses("/arena/fixed", 1800, "multiple of 64");
  refuses("/arena/rows", 160, "ends beyond its region of 160 bytes a row");
  refuses("/arena/rows", 166, "multiples of 4");
  refuses("/buffers/0/role", "ghost", "unknown role");
  refuses("/buffers/0/dtype", "f64", "f32, bf16, i32 or i8");
  refuses("/buffers/0/shape", {"past"}, "shape");
  refuses("/buffers/0/shape", {-1}, "shape");
  refuses("/buffers/2/shape", {int64_t(1) << 40, int64_t(1) << 40}, "slot_bytes");
  refuses("/buffers/0/slot_bytes", 0, "slot_bytes");
  refuses("/buffers/0/offset", 2, "multiples of 4");
  refuses("/buffers/1/slots", 0, "slots");
  refuses("/buffers/1/slots", 30000, "ends beyond its region");
  refuses("/buffers/2/tensor", "model.w", "{layer}");
  refuses("/buffers/3/dtype", "bf16", "a parameter must be f32");
  refuses("/buffers/2/dtype", "i32", "f32, bf16 or bytes of blocks, and of static shape");
  refuses("/buffers/4/of", 2, "parameter");
  refuses("/buffers/4/of", 99, "parameter");
  refuses("/buffers/4/slots", 2, "differs");
  refuses("/buffers/4/shape", {2, 16}, "differs");
  refuses("/kernels/0/symbol", "a b", "identifier");
  refuses("/kernels/0/grid/0/block", 0, "block");
  refuses("/kernels/0/grid/0/extent", "accumulate", "extent");
  refuses("/sections/0/commands/0/launch", 6, "no kernel 6");
  refuses("/sections/0/commands/0/args/0/buffer", 9, "no buffer 9");
  refuses("/sections/0/commands/0/args/0/buffer", -1, "buffer");
  refuses("/sections/0/commands/1/body/0/args/0/all", true, "must not stand beside slot, layer or plus");
  refuses("/sections/0/commands/0/args/0/all", 1, "all");
  refuses("/sections/0/commands/1/layers/step", 0, "step");
  refuses("/sections/1/name", "micro_step", "two sections");
  refuses("/parameters/0/buffer", 2, "parameter");
  refuses("/parameters/0/strides", {8}, "stride");
  refuses("/parameters/0/offset", 6, "slot");
  refuses("/parameters/0/shape", {4, 9}, "slot");
  refuses("/parameters/0/shape", {4, 0}, "empty");
  refuses("/parameters/0/name", "A", "{layer}");
}

/// A product of a library instead of the kernel `matmul`: y[rows, 8] = h W.
struct LibraryProducts : ManifestTest {
  void SetUp() override {
    bundle.json["kernels"][5] =
        parseJson(R"({"name": "matmul", "library": {"m": {"extent": "rows"}, "n": 8, "k": 8,
      "dtype": "f32", "lda": 8, "ldw": 8, "ldy": 8, "transposed": true}})",
                  "a product");
  }
};

TEST_F(LibraryProducts, AreRead) {
  Manifest manifest = Manifest::parse(bundle.json, "m.json");
  const Kernel &kernel = manifest.kernels[5];
  ASSERT_TRUE(kernel.library);
  EXPECT_EQ(kernel.library->m.scalar, 0);
  EXPECT_EQ(kernel.library->n, 8);
  EXPECT_TRUE(kernel.library->isTransposed);
  EXPECT_EQ(kernel.library->type, ElementType::F32);
  EXPECT_EQ(kernel.library->resultType, ElementType::F32);
  // Logits of bf16 are f32.
  bundle.json["kernels"][5]["library"]["dtype"] = "bf16";
  bundle.json["kernels"][5]["library"]["result"] = "f32";
  for (int operand : {1, 8})
    bundle.json["buffers"][operand]["dtype"] = "bf16";
  const Manifest mixed = Manifest::parse(bundle.json, "m.json");
  EXPECT_EQ(mixed.kernels[5].library->type, ElementType::BF16);
  EXPECT_EQ(mixed.kernels[5].library->resultType, ElementType::F32);
}

TEST_F(LibraryProducts, MustFitTheirBuffers) {
  refuses("/kernels/5/library/k", 0, "is not between 1");
  refuses("/kernels/5/library/lda", 7, "lda");
  refuses("/kernels/5/library/lda", 9, "product matmul: its operand a, buffer h, is smaller");
  refuses("/kernels/5/library/ldw", 9, "operand w, buffer W, is smaller");
  refuses("/kernels/5/library/ldy", 9, "operand y, buffer y, is smaller");
  refuses("/kernels/5/library/n", 9, "ldw");
  refuses("/kernels/5/library/dtype", "i32", "must be f32 or bf16");
  refuses("/kernels/5/library/result", "bf16", "must be f32 or the dtype");
  refuses("/kernels/5/library/dtype", "bf16", "operand a, buffer h, is of another type");
  refuses("/kernels/5/library/m/extent", "kv_rows", "operand a, buffer h, must have the product's rows");
  refuses("/kernels/5/library/m/extent", 4, "operand a, buffer h, must be of static shape");
  refuses("/sections/4/commands/0/args/1/buffer", 1, "operand w, buffer h, must be of static shape");
  refuses("/sections/4/commands/0/args/1/all", true, "operand w, buffer W, must be one slot, not all of them");
  bundle.json["sections"][4]["commands"][0]["args"].erase(2);
  EXPECT_REFUSED(Manifest::parse(bundle.json, "m.json"),
                 "product matmul: takes three buffers, a, w and y, not 2");
}

TEST_F(ManifestTest, OfAGpuNamesPtxAndChip) {
  bundle.json["target"] = "cuda";
  bundle.json["ptx"] = "program.ptx";
  bundle.json["ptx_xxh3"] = "00";
  bundle.json["chip"] = "sm_90a";
  Manifest manifest = Manifest::parse(bundle.json, "m.json");
  EXPECT_EQ(manifest.chip, "sm_90a");
  EXPECT_EQ(manifest.ptx, "program.ptx");
  refuses("/chip", "", "must name what the PTX is for");
  refuses("/ptx", "../program.ptx", "file name in the bundle's folder");
  refuses("/target", "tpu", "cpu, cuda or emulate");
  refuses("/format", 2, "only format 3 is understood, not 2");
  bundle.folder.file("manifest.json", bundle.json.dump());
  bundle.folder.file("program.ptx", ".version 8.0");
  EXPECT_REFUSED(Bundle::load(bundle.path()), "program.ptx", "its hash is not the one in the manifest");
}

} // namespace
