// What lives in the host's memory: places, the ring of layers' weights, moments, and what is said without
// memory.
#include "../../runtime/program/CudaDevice.h"

#include "../Expect.h"
#include "OffloadedBundle.h"
#include "TestBundle.h"
#include "mlora/Runtime/Cuda/Emulated.h"
#include "mlora/Runtime/Program/Parameters.h"

using namespace mlora;
using namespace mlora::test;

namespace {

constexpr Scalars capacity = {.rows = 16, .countedRows = 16, .kvRows = 16};
constexpr int w = 1, p = 2, m = 3, out = 4, norm = 5;

struct OffloadTest : testing::TestWithParam<const char *> {
  OffloadedBundle files;

  std::unique_ptr<Program> load(Offload offload) {
    auto program = std::make_unique<Program>(Bundle::load(files.path()), capacity, 1, offload);
    for (int64_t layer = 0; layer < OffloadedBundle::layers; ++layer) {
      program->write(w, layer, 0, values(float(10 * layer + 1)));
      program->write(p, layer, 0, values(float(layer)));
      program->write(m, layer, 0, values(100));
    }
    program->write(norm, 0, 0, values(0.5f));
    return program;
  }
  static std::vector<float> values(float value) { return std::vector<float>(OffloadedBundle::width, value); }
  static std::vector<float> read(Program &program, int buffer, int64_t slot) {
    std::vector<float> values(OffloadedBundle::width);
    program.read(buffer, slot, 0, values);
    return values;
  }
  /// Of `updates` updates, each of which adds 1 to all weights.
  static float after(float h, float updates) {
    for (int layer = 0; layer < 5; ++layer)
      h = 2 * h + (float(10 * layer + 1) + updates); // rounded as the kernel does
    h = 2 * h + 0.5f;
    for (int layer = 4; layer >= 0; --layer)
      h = 2 * h + (float(10 * layer + 1) + updates); // rounded as the kernel does
    return h;
  }
  void TearDown() override {
    EXPECT_EQ(cuda::emulatedMemory().used, 0u);
    EXPECT_EQ(cuda::emulatedMemory().pinned, 0u);
  }
};

TEST_P(OffloadTest, StepsAreThoseOfAProgramWithout) {
  auto program = load(Offload::of(GetParam()));
  for (int step = 0; step < 5; ++step) { // as it comes, captured, replayed; twice a step
    program->write(out, 0, 0, values(3));
    program->run("micro_step", {.rows = 4});
    EXPECT_EQ(program->output("out")[7], after(3, float(step)));
    program->run("micro_step", {.rows = 4});
    program->run("update");
    EXPECT_EQ(program->output("out")[7], after(after(3, float(step)), float(step)));
  }
  for (int64_t layer = 0; layer < 5; ++layer) {
    EXPECT_EQ(read(*program, w, layer), values(float(10 * layer + 6)));
    EXPECT_EQ(read(*program, m, layer), values(100 + 5 * float(layer)));
    EXPECT_EQ(read(*program, p, layer), values(float(layer)));
  }
  Parameters parameters(*program);
  const ParameterTensor &tensor = parameters.tensors()[3];
  parameters.write(tensor, ParameterPart::Moment1, values(7)); // as a checkpoint is loaded
  EXPECT_EQ(read(*program, m, 3), values(7));
  program->executor().measure(true);
  program->write(out, 0, 0, values(3));
  program->run("micro_step", {.rows = 4});
  EXPECT_EQ(program->output("out")[7], after(3, 5));
}

INSTANTIATE_TEST_SUITE_P(Words, OffloadTest, testing::Values("none", "optimizer", "base", "all"));

using Offloading = OffloadTest;

TEST_F(Offloading, MemoryIsWhatThePlanSays) {
  Bundle bundle = Bundle::load(files.path());
  Layout none(bundle.manifest, capacity), all(bundle.manifest, capacity, Offload::of("all"));
  EXPECT_EQ(none.arenaBytes(), 1280 + 16 * 64);
  EXPECT_EQ(none.hostBytes(), 0);
  EXPECT_EQ(all.arenaBytes(), none.arenaBytes() - 2 * 320 + 2 * 64) << "two layers of w in the ring";
  EXPECT_EQ(all.hostBytes(), 2 * 320);
  EXPECT_EQ(all.offset(0, 0), 0);
  EXPECT_EQ(all.offset(p, 1), 128) << "no hole where w was";
  EXPECT_EQ(all.offset(w, 2), all.arenaBytes() + 128);
  EXPECT_EQ(all.offset(m, 0), all.arenaBytes() + 320);
  EXPECT_FALSE(all.isInRing(norm)) << "of no layer";
  EXPECT_EQ(all.ringOffset(w, 3), all.ringOffset(w, 1));
  CudaDevice device(cuda::emulated(), bundle, all);
  EXPECT_EQ(int64_t(cuda::emulatedMemory().used), device.allocatedBytes());
  EXPECT_EQ(int64_t(cuda::emulatedMemory().pinned), all.hostBytes());
}

/// c: a layer's copy, L: a launch. A copy is asked for in front of the launches of the layer before; what
/// backward begins with is there.
TEST_F(Offloading, CopiesAreALayerAhead) {
  static std::string calls;
  cuda::Table table = cuda::emulated();
  table.driver.memcpyHtoDAsync = [](cuda::DevicePointer to, const void *from, size_t bytes,
                                    cuda::Stream *stream) {
    calls += bytes == 64 ? "c" : ""; // not the scalars
    return cuda::emulated().driver.memcpyHtoDAsync(to, from, bytes, stream);
  };
  table.driver.launchKernel = [](cuda::Function *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                 unsigned by, unsigned bz, unsigned shared, cuda::Stream *stream,
                                 void **parameters, void **extra) {
    calls += "L";
    return cuda::emulated().driver.launchKernel(function, gx, gy, gz, bx, by, bz, shared, stream, parameters,
                                                extra);
  };
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity, Offload::of("base"));
  CudaDevice device(table, bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  for (const char *wanted : {"ccLcLcLcLL"
                             "L"
                             "LcLcLcLL",
                             "ccLcLcLcLL"
                             "L"
                             "LcLcLcLL",
                             "ccLcLcLcLL"
                             "L"
                             "LcLcLcLL",
                             ""}) {
    calls.clear();
    executor.run("micro_step", {.rows = 4}); // as it comes, captured, replayed
    EXPECT_EQ(calls, wanted);
  }
}

TEST_F(Offloading, ABufferInTheSamePlaceIsRefused) {
  files.json["buffers"][out]["offset"] = 384 - 64;
  files.write();
  load(Offload::of("optimizer"));
  EXPECT_REFUSED(load(Offload::of("base")), "buffer out shares memory", "offload=none");
}

/// A test of the tests: without the waits between the streams the emulator objects.
TEST_F(Offloading, AMissingEventIsCaught) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity, Offload::of("base"));
  static cuda::Stream *deaf = nullptr;
  static int streams = 0;
  for (int which : {0, 1}) { // the launches do not wait for copies; the copies not for launches
    cuda::Table table = cuda::emulated();
    streams = 0;
    table.driver.streamCreate = [](cuda::Stream **stream, unsigned flags) {
      cuda::Result result = cuda::emulated().driver.streamCreate(stream, flags);
      if (streams-- == 0)
        deaf = *stream;
      return result;
    };
    streams = which;
    table.driver.streamWaitEvent = [](cuda::Stream *stream, cuda::Event *event, unsigned flags) {
      return stream == deaf ? cuda::Result::Success
                            : cuda::emulated().driver.streamWaitEvent(stream, event, flags);
    };
    CudaDevice device(table, bundle, layout);
    Executor executor(bundle.manifest, layout, device);
    device.synchronize();
    EXPECT_REFUSED(executor.run("micro_step", {.rows = 4}), "kernel layer", "cuMemcpyHtoDAsync",
                   "no event orders the two", "cuStreamWaitEvent is missing");
  }
}

TEST_F(Offloading, ALaunchOfTwoLayersIsRefused) {
  files.json["sections"][0]["commands"] = {
      {{"launch", 3}, {"args", {{{"buffer", 1}}, {{"buffer", 1}, {"slot", 1}}, {{"buffer", 4}}}}}};
  files.write();
  load(Offload::of("optimizer"));
  EXPECT_REFUSED(load(Offload::of("base")), "kernel both", "micro_step", "layers 0 and 1 at once",
                 "offload=none");
}

TEST_F(Offloading, OutOfMemorySaysWhatItFrees) {
  int64_t much = int64_t(8) << 20;
  for (int buffer : {w, m}) {
    files.json["buffers"][size_t(buffer)]["slot_bytes"] = much;
    files.json["buffers"][size_t(buffer)]["offset"] = buffer == w ? 1280 : 1280 + 5 * much;
  }
  files.json["arena"]["fixed"] = 1280 + 10 * much;
  files.write();
  cuda::setEmulatedMemory(size_t(20 + 256) << 20);
  EXPECT_REFUSED(load({}), "or offload=optimizer, which frees 40 MiB, offload=base, which frees 24 MiB, "
                           "offload=all, which frees 64 MiB");
  EXPECT_REFUSED(load(Offload::of("optimizer")), "or offload=all, which frees 24 MiB");
  load(Offload::of("all"));
  cuda::setEmulatedMemory(0);
}

TEST_F(Offloading, HostMemoryThatCannotBePinnedIsSaid) {
  files.json["buffers"][m]["slot_bytes"] = int64_t(1) << 42;
  files.json["buffers"][m]["offset"] = 1280;
  files.json["arena"]["fixed"] = 1280 + 5 * (int64_t(1) << 42);
  files.write();
  EXPECT_REFUSED(load(Offload::of("optimizer")), "does not give 20971520 MiB of the host's memory, pinned",
                 "offload less");
}

TEST(OffloadOfTheCpu, IsRefused) {
  TestBundle files;
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity, Offload::of("all"));
  if (layout.hostBytes() == 0)
    FAIL() << "the bundle has neither moments nor weights of layers";
  EXPECT_REFUSED(Program(Bundle::load(files.path()), capacity, 1, Offload::of("all")), "target cpu",
                 "offload is for a GPU's programs");
}

} // namespace
