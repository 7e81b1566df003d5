// Kernels with tensor maps: what a manifest may say of them, and what a launch encodes.
#include "../../runtime/program/CudaDevice.h"

#include "../Expect.h"
#include "EmulatedBundle.h"
#include "mlora/Runtime/Program/Executor.h"

using namespace mlora;
using namespace mlora::test;

namespace {

constexpr Scalars capacity = {.rows = 64, .countedRows = 64, .kvRows = 64};

/// The bundle for the emulator with one more section: `describe` of the map of k[kv_rows, 64], into o.
struct TensorMaps : testing::Test {
  EmulatedBundle files;

  void SetUp() override {
    files.json["arena"]["kv_rows"] = 256;
    files.json["buffers"].push_back({{"name", "k"},
                                     {"role", "cache"},
                                     {"dtype", "bf16"},
                                     {"shape", {"kv_rows", 64}},
                                     {"region", "kv_rows"},
                                     {"slots", 2},
                                     {"slot_bytes", 128},
                                     {"offset", 0}});
    files.json["buffers"].push_back({{"name", "o"},
                                     {"role", "output"},
                                     {"dtype", "f32"},
                                     {"shape", {9}},
                                     {"slot_bytes", 36},
                                     {"offset", 896}});
    files.json["kernels"].push_back(
        parseJson(R"({"name": "describe.map", "symbol": "describe", "grid": [], "threads": 1,
      "tensor_maps": [{"argument": 4, "buffer": 0, "box": [32, 64], "columns": 64, "rows": "kv_rows", "swizzle": 128}]})",
                  "a kernel"));
    files.json["sections"].push_back(
        {{"name", "describe"},
         {"commands", {{{"launch", 3}, {"args", {{{"buffer", 7}, {"slot", 1}}, {{"buffer", 8}}}}}}}});
    files.write();
  }

  /// Puts a value at a JSON pointer and expects that to be refused.
  void refuses(const std::string &pointer, const nlohmann::json &value, const std::string &says) {
    nlohmann::json changed = files.json;
    changed[nlohmann::json::json_pointer(pointer)] = value;
    SCOPED_TRACE(pointer);
    EXPECT_REFUSED(Manifest::parse(changed, "m.json"), "m.json", says);
  }
};

TEST_F(TensorMaps, AreRead) {
  Manifest manifest = Manifest::parse(files.json, "m.json");
  ASSERT_EQ(manifest.kernels[3].tensorMaps.size(), 1u);
  const TensorMap &map = manifest.kernels[3].tensorMaps[0];
  EXPECT_EQ(map.buffer, 0);
  EXPECT_EQ(map.rows.scalar, 2);
  EXPECT_EQ(map.columns, 64);
  EXPECT_EQ(map.boxRows, 32);
  EXPECT_EQ(map.boxColumns, 64);
  EXPECT_EQ(map.swizzle, 128);
}

TEST_F(TensorMaps, MustFitTheirBuffers) {
  std::string map = "/kernels/3/tensor_maps/0";
  refuses(map + "/argument", 2,
          "kernel describe.map: the tensor map of argument 0: is parameter 2; expected 4");
  refuses(map + "/buffer", 2, "it is launched on 2 buffers");
  refuses(map + "/buffer", 1, "buffer o is not bf16");
  refuses(map + "/rows", "rows", "buffer k has other rows or columns");
  refuses(map + "/rows", 64, "buffer k has other rows or columns");
  refuses(map + "/rows", "past", "must hold sizes or one of rows");
  refuses(map + "/columns", 128, "buffer k has other rows or columns");
  refuses(map + "/columns", 60, "multiple of 16 bytes apart");
  refuses(map + "/box", {32}, "two sizes");
  refuses(map + "/box", {257, 64}, "1 to 256 rows and columns");
  refuses(map + "/box", {32, 60}, "must be a multiple of 16 bytes");
  refuses(map + "/box", {32, 72}, "no more than its swizzle");
  refuses(map + "/swizzle", 100, "0, 32, 64 or 128 bytes");
  refuses("/target", "cpu", "tensor_maps are a GPU's");
}

/// As it comes, captured, replayed: each launch has the map of its rows.
TEST_F(TensorMaps, AreEncodedForTheRowsOfALaunch) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(cuda::emulated(), bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  for (int64_t rows : {5, 5, 6, 5, 6, 5, 6, 6}) {
    executor.run("describe", {.rows = 1, .kvRows = rows});
    std::vector<float> values(9);
    device.read(values.data(), layout.offset(8, 0), 36);
    EXPECT_EQ(values, (std::vector<float>{1, 1, 2, 128, 64, float(rows), 128, 64, 32}));
  }
  EXPECT_EQ(device.graphs().captured(), 2) << "one for each number of rows";
  EXPECT_EQ(device.graphs().replayed(), 4);
}

/// The driver makes no map of nothing.
TEST_F(TensorMaps, AreLeftOutForNoRows) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(cuda::emulated(), bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  executor.run("describe", {.rows = 1});
  std::vector<float> values(9, 7);
  device.read(values.data(), layout.offset(8, 0), 36);
  EXPECT_EQ(values, std::vector<float>(9));
}

} // namespace
