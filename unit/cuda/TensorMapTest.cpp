// Tensor maps as the emulator's driver encodes them, and what it refuses as the real one does.
#include "Fixture.h"

#include <functional>

using namespace mlora::test;

namespace {

using mlora::emulator::Access;
using mlora::emulator::Operation;
using mlora::emulator::ThreadContext;

constexpr uint32_t columns = 64, boxRows = 4;

/// What cuTensorMapEncodeTiled is told; right as it is.
struct Encoding {
  TensorType type = TensorType::BF16;
  uint32_t rank = 2;
  DevicePointer address = 0;
  std::vector<uint64_t> sizes = {columns, 6}, strides = {2 * columns};
  std::vector<uint32_t> box = {columns, boxRows}, steps = {1, 1};
  TensorInterleave interleave = TensorInterleave::None;
  TensorSwizzle swizzle = TensorSwizzle::Bytes128;
  TensorPromotion promotion = TensorPromotion::Bytes128;
  TensorFill fill = TensorFill::Zeros;
};

/// One thread: the box at row parameters[1] of the map, parameters[2], to parameters[0].
void copyBox(ThreadContext *thread) {
  auto run = [thread](Operation operation, std::vector<uint64_t> in) {
    uint64_t out[1] = {};
    thread->operations[uint32_t(operation)](thread, 0, in.data(), out);
    return out[0];
  };
  constexpr uint64_t barrier = 1024, tile = 2048;
  constexpr uint32_t bytes = boxRows * columns * 2;
  run(Operation::MbarrierInit, {barrier, 1});
  run(Operation::FenceMbarrierInit, {});
  run(Operation::MbarrierArrive, {barrier, 1, bytes, 0, 0, 1});
  run(Operation::TensorLoad, {tile, thread->parameters[2], barrier, 2, 0, thread->parameters[1]});
  while (!run(Operation::MbarrierWait, {barrier, 0, 0, 1, 0}))
    ;
  for (uint32_t at = 0; at < bytes; at += 4) {
    uint32_t word;
    std::memcpy(&word, thread->shared(thread, tile + at, Access::encode(4, 2, Access::Read), 0), 4);
    std::memcpy(thread->resolve(thread, thread->parameters[0] + at, Access::encode(4, 2, Access::Write), 0),
                &word, 4);
  }
}

struct TensorMaps : EmulatedCuda {
  Module *module = nullptr;
  Function *function = nullptr;
  EmulatedImage image;
  Encoding right;

  void SetUp() override {
    EmulatedCuda::SetUp();
    image.kernels["copy_box"] = {"copy.box", copyBox, 2, 1, 1};
    image.sites = {{"nvvm.cp.async.bulk.tensor", "here"}};
    EXPECT_CUDA_OK(driver.moduleLoadDataEx(&module, &image, 0, nullptr, nullptr));
    EXPECT_CUDA_OK(driver.moduleGetFunction(&function, module, "copy_box"));
    right.address = allocate(6 * columns * 2, "the tensor");
  }
  void TearDown() override {
    driver.moduleUnload(module);
    EmulatedCuda::TearDown();
  }

  Result encode(TensorMap *map, const Encoding &e) {
    return driver.tensorMapEncodeTiled(map, e.type, e.rank, reinterpret_cast<void *>(e.address),
                                       e.sizes.data(), e.strides.data(), e.box.data(), e.steps.data(),
                                       e.interleave, e.swizzle, e.promotion, e.fill);
  }
  /// A change that makes it wrong, and what the refusal says.
  void refuses(const std::function<void(Encoding &)> &change, const std::string &says) {
    Encoding wrong = right;
    change(wrong);
    TensorMap map;
    EXPECT_CUDA_REFUSED(encode(&map, wrong), Result::InvalidValue, "cuTensorMapEncodeTiled", says);
  }
  Result launch(DevicePointer to, uint64_t row, TensorMap &map) {
    void *parameters[] = {&to, &row, &map};
    return driver.launchKernel(function, 1, 1, 1, 1, 1, 1, 4096, stream, parameters, nullptr);
  }
};

/// As the real driver's reference has it ("Tensor Map Object Management").
TEST_F(TensorMaps, AreRefusedWhereADriverRefusesThem) {
  TensorMap map;
  EXPECT_CUDA_OK(encode(&map, right));
  refuses([](Encoding &e) { e.address += 8; }, "globalAddress is");
  refuses([](Encoding &e) { e.rank = 0; }, "tensorRank is 0; expected 1 to 5");
  refuses([](Encoding &e) { e.rank = 6; }, "tensorRank is 6");
  refuses([](Encoding &e) { e.sizes[1] = 0; }, "globalDim[1] is 0; expected 1 to 4294967296");
  refuses([](Encoding &e) { e.sizes[0] = (uint64_t(1) << 32) + 1; }, "globalDim[0] is");
  refuses([](Encoding &e) { e.strides[0] = 136; }, "globalStrides[0] is 136; expected a multiple of 16");
  refuses([](Encoding &e) { e.strides[0] = uint64_t(1) << 40; }, "globalStrides[0] is 1099511627776");
  refuses([](Encoding &e) { e.box[1] = 257; }, "boxDim[1] is 257; expected 1 to 256");
  refuses([](Encoding &e) { e.box[1] = 0; }, "boxDim[1] is 0");
  refuses([](Encoding &e) { e.box[0] = 60; }, "boxDim[0] in bytes is 120; expected a multiple of 16");
  refuses([](Encoding &e) { e.box[0] = 72; }, "boxDim[0] in bytes is 144; expected 16 to 128");
  refuses([](Encoding &e) { e.swizzle = TensorSwizzle::Bytes64; }, "expected 16 to 64");
  refuses([](Encoding &e) { e.swizzle = TensorSwizzle::Bytes32; }, "expected 16 to 32");
  refuses([](Encoding &e) { e.type = TensorType::F32; }, "boxDim[0] in bytes is 256");
  refuses([](Encoding &e) { e.steps[1] = 9; }, "elementStrides[1] is 9; expected 1 to 8");
  refuses([](Encoding &e) { e.promotion = TensorPromotion(4); }, "l2Promotion is 4");
  // Right, but not emulated.
  refuses([](Encoding &e) { e.steps[1] = 2; }, "elementStrides[1] is not 1, which is not emulated");
  refuses([](Encoding &e) { e.type = TensorType(0); }, "tensorDataType is 0; emulated are");
  refuses([](Encoding &e) { e.interleave = TensorInterleave::Bytes16; }, "interleave is 1; emulated is none");
  refuses([](Encoding &e) { e.swizzle = TensorSwizzle(4); }, "swizzle is 4; emulated are");
  refuses([](Encoding &e) { e.fill = TensorFill::NaN; }, "oobFill is 1; emulated is 0");
  EXPECT_CUDA_REFUSED(encode(nullptr, right), Result::InvalidValue, "an argument is null");
  char bytes[sizeof(TensorMap) + 128];
  auto *misaligned =
      reinterpret_cast<TensorMap *>((reinterpret_cast<uint64_t>(bytes) + 127) / 128 * 128 + 32);
  EXPECT_CUDA_REFUSED(encode(misaligned, right), Result::InvalidValue, "the address of tensorMap");
}

std::vector<uint16_t> counting(size_t count) {
  std::vector<uint16_t> values(count);
  std::iota(values.begin(), values.end(), uint16_t(1));
  return values;
}

/// The launch copies its parameters; rows behind the tensor's last are zeros.
TEST_F(TensorMaps, AreParametersThatALaunchCopies) {
  right.swizzle = TensorSwizzle::None;
  right.address = upload(counting(6 * columns), "the tensor");
  DevicePointer out = upload(std::vector<uint16_t>(boxRows * columns, 7), "the box");
  TensorMap map;
  EXPECT_CUDA_OK(encode(&map, right));
  EXPECT_CUDA_OK(driver.streamBeginCapture(stream, CaptureMode::ThreadLocal));
  EXPECT_CUDA_OK(launch(out, 4, map));
  Graph *graph = nullptr;
  GraphExec *executable = nullptr;
  EXPECT_CUDA_OK(driver.streamEndCapture(stream, &graph));
  EXPECT_CUDA_OK(driver.graphInstantiate(&executable, graph, 0));
  EXPECT_CUDA_OK(driver.graphDestroy(graph));
  map = {};
  for (int run = 0; run < 2; ++run) {
    EXPECT_CUDA_OK(driver.memsetD8Async(out, 7, boxRows * columns * 2, stream));
    EXPECT_CUDA_OK(driver.graphLaunch(executable, stream));
    std::vector<uint16_t> box = download<uint16_t>(out, boxRows * columns);
    EXPECT_EQ(box[0], 4 * columns + 1);
    EXPECT_EQ(box[2 * columns - 1], 6 * columns);
    EXPECT_EQ(box[2 * columns], 0);
    EXPECT_EQ(box.back(), 0);
  }
  EXPECT_CUDA_OK(driver.graphExecDestroy(executable));
}

TEST_F(TensorMaps, CopiesTouchWhatALaunchIsShown) {
  DevicePointer out = allocate(boxRows * columns * 2, "the box");
  auto show = [&](size_t rows) {
    return table.emulator.showNextLaunch({right.address}, {{right.address, rows * columns * 2, "q"}});
  };
  TensorMap map;
  EXPECT_CUDA_OK(encode(&map, right));
  EXPECT_CUDA_OK(show(6));
  EXPECT_CUDA_OK(launch(out, 2, map));
  EXPECT_CUDA_OK(show(5)); // whose map says that there are six
  EXPECT_CUDA_OK(launch(out, 2, map));
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::LaunchFailed, "out-of-bounds access",
                      "copy.box", "copies from 512 bytes at byte 256 of q (640 bytes)", "tensor map");
}

TEST_F(TensorMaps, WhatIsNoneIsAFault) {
  DevicePointer out = allocate(boxRows * columns * 2, "the box");
  TensorMap empty;
  EXPECT_CUDA_OK(launch(out, 0, empty));
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::LaunchFailed, "invalid tensor map");
}

TEST_F(TensorMaps, AMissingOneIsRefused) {
  uint64_t value = 0;
  void *parameters[] = {&value, &value, nullptr};
  EXPECT_CUDA_REFUSED(driver.launchKernel(function, 1, 1, 1, 1, 1, 1, 4096, stream, parameters, nullptr),
                      Result::InvalidValue, "parameter 2 is missing");
}

} // namespace
