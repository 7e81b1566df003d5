#include "mlora/Runtime/Program/Manifest.h"

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
  EXPECT_EQ(manifest.capacity.rows, 64);
  ASSERT_EQ(manifest.buffers.size(), 9u);
  EXPECT_EQ(manifest.buffers[1].role, Role::Residual);
  EXPECT_EQ(manifest.buffers[1].slots, 4);
  EXPECT_EQ(manifest.buffers[1].elements(manifest.capacity), 64 * 8);
  EXPECT_EQ(manifest.kernels[1].blocks({.rows = 9}), 3 * 4);
  EXPECT_EQ(manifest.kernels[1].blocks({.rows = 0}), 0);
  EXPECT_EQ(manifest.kernels[3].blocks({.rows = 9}), 1);
  EXPECT_EQ(manifest.find("loss", Role::Output), 6);
  EXPECT_EQ(manifest.find("loss", Role::Input), -1);
  EXPECT_EQ(manifest.findSection("upward")->commands[0].layers(), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(manifest.findSection("downward")->commands[0].layers(), (std::vector<int64_t>{2, 1, 0}));
}

TEST_F(ManifestTest, RefusesWhatDoesNotFit) {
  refuses("/format", 2, "format");
  refuses("/shared_object", "../program.so", "file name");
  refuses("/shared_object", ".", "file name");
  refuses("/capacity/rows", -1, "capacity");
  refuses("/arena_bytes", 12543, "ends beyond the arena");
  refuses("/buffers/0/role", "ghost", "unknown role");
  refuses("/buffers/0/dtype", "f64", "f32 or i32");
  refuses("/buffers/0/shape", {"past"}, "shape");
  refuses("/buffers/0/shape", {-1}, "shape");
  refuses("/buffers/0/shape", {int64_t(1) << 40, int64_t(1) << 40}, "slot_bytes");
  refuses("/buffers/0/slot_bytes", 252, "slot_bytes");
  refuses("/buffers/0/offset", 2, "multiples of 4");
  refuses("/buffers/1/slots", 0, "slots");
  refuses("/buffers/1/slots", 30000, "ends beyond the arena");
  refuses("/buffers/2/tensor", "model.w", "{layer}");
  refuses("/buffers/2/dtype", "i32", "f32 and of static shape");
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
  refuses("/sections/0/commands/1/layers/step", 0, "step");
  refuses("/sections/1/name", "micro_step", "two sections");
  refuses("/parameters/0/buffer", 2, "parameter");
  refuses("/parameters/0/strides", {8}, "stride");
  refuses("/parameters/0/offset", 6, "slot");
  refuses("/parameters/0/shape", {4, 9}, "slot");
  refuses("/parameters/0/shape", {4, 0}, "empty");
  refuses("/parameters/0/name", "A", "{layer}");
}

} // namespace
