// The executor for GPUs over the emulator's table, with a bundle written by hand.
#include "../../runtime/program/CudaDevice.h"

#include "../Expect.h"
#include "EmulatedBundle.h"
#include "TestBundle.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Cuda/Emulated.h"
#include "mlora/Runtime/Program/CudaChip.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Program/ProgramRequest.h"

#include <cstring>
#include <numeric>

using namespace mlora;
using namespace mlora::test;

namespace {

constexpr Scalars capacity = {.rows = 64, .countedRows = 64, .kvRows = 64};

struct CudaDeviceTest : testing::Test {
  EmulatedBundle files;

  std::unique_ptr<Program> load(const Scalars &most = capacity) {
    return std::make_unique<Program>(Bundle::load(files.path()), most, 1);
  }
  static std::vector<float> counting(size_t count, float first = 1) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
  }
  static void setX(Program &program, int64_t rows, float first = 1) {
    program.setInput("x", std::span<const float>(counting(size_t(rows) * 8, first)));
  }
  void TearDown() override {
    EXPECT_EQ(emulatedMemory().used, 0u) << "a program gives back what it took";
    EXPECT_EQ(emulatedMemory().pinned, 0u);
  }
  static cuda::EmulatedMemory emulatedMemory() { return cuda::emulatedMemory(); }
};

TEST_F(CudaDeviceTest, KernelsSeeInputsAndScalars) {
  auto program = load();
  std::vector<float> h(64 * 8);
  for (int run = 0; run < 4; ++run) { // as it comes, captured, replayed; scalars and inputs change
    setX(*program, 5, float(run));
    program->run("scale", {.rows = 5, .accumulate = run % 2});
    program->read(1, 0, 0, h);
    EXPECT_EQ(h[0], 2 * float(run) + float(run % 2));
    EXPECT_EQ(h[39], 2 * (float(run) + 39) + float(run % 2));
    EXPECT_EQ(h[40], 0) << "rows that are not there";
  }
  EXPECT_REFUSED(program->slot(1, 0), "memory is the device's", "buffer h");
}

/// y = h w[0]ᵀ and z = y w[1], by a plain loop in f64.
TEST_F(CudaDeviceTest, ProductsOfALibrary) {
  auto program = load();
  std::vector<float> w0 = counting(48), w1 = counting(48, -20), h = counting(7 * 8, -3);
  program->write(4, 0, 0, w0);
  program->write(4, 1, 0, w1);
  program->write(1, 0, 0, h);
  for (int run = 0; run < 4; ++run) {
    program->run("products", {.rows = 7});
    std::span<const float> y = program->output("y"), z = program->output("z");
    for (size_t i = 0; i < 7; ++i) {
      double row[6];
      for (size_t j = 0; j < 6; ++j) {
        row[j] = 0;
        for (size_t l = 0; l < 8; ++l)
          row[j] += double(h[i * 8 + l]) * w0[j * 8 + l];
        EXPECT_EQ(y[i * 6 + j], row[j]);
      }
      for (size_t j = 0; j < 8; ++j) {
        double sum = 0;
        for (size_t l = 0; l < 6; ++l)
          sum += row[l] * w1[l * 8 + j];
        EXPECT_EQ(z[i * 8 + j], sum);
      }
    }
    EXPECT_EQ(y[7 * 6], 0);
  }
  program->run("products", {.rows = 0});
}

TEST_F(CudaDeviceTest, SectionsAreCapturedForTheThirdTimeAndRepeated) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(cuda::emulated(), bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  auto run = [&](int64_t rows, int64_t kvRows) {
    executor.run("products", {.rows = rows, .kvRows = kvRows});
    executor.run("scale", {.rows = rows, .kvRows = kvRows});
  };
  run(3, 0);
  EXPECT_EQ(device.graphs().captured(), 0);
  EXPECT_EQ(device.shapes().shapes(), 2u);
  run(3, 1); // no grid depends on `kv_rows`
  EXPECT_EQ(device.graphs().captured(), 0) << "lengths that come twice at most cost no capture";
  run(3, 2);
  EXPECT_EQ(device.graphs().captured(), 2);
  run(3, 3);
  run(4, 2);
  EXPECT_EQ(device.graphs().captured(), 2);
  EXPECT_EQ(device.graphs().replayed(), 4);
  EXPECT_EQ(device.shapes().shapes(), 4u);
  for (int64_t rows = 1; rows <= 60; ++rows) // old graphs go
    for (int time = 0; time < 3; ++time)
      run(rows, 0);
  device.synchronize();
}

/// Which never happens: a section's launches are the same for the same extents.
TEST_F(CudaDeviceTest, AProductThatIsNotPlannedIsNotCaptured) {
  static int heuristics;
  heuristics = 0;
  cuda::Table table = cuda::emulated();
  table.blas.matmulAlgoGetHeuristic = [](cuda::BlasLt *handle, cuda::MatmulDesc *desc, cuda::MatrixLayout *a,
                                         cuda::MatrixLayout *b, cuda::MatrixLayout *c, cuda::MatrixLayout *d,
                                         cuda::Preference *preference, int requested,
                                         cuda::Heuristic *results, int *returned) {
    ++heuristics;
    return cuda::emulated().blas.matmulAlgoGetHeuristic(handle, desc, a, b, c, d, preference, requested,
                                                        results, returned);
  };
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(table, bundle, layout);
  std::vector<void *> places;
  for (size_t buffer : {1, 4, 2})
    places.push_back(device.address(layout.offset(buffer, 0)));
  std::vector<int> numbers = {1, 4, 2};
  std::vector<int64_t> slots = {1, 1, 1};
  Scalars scalars = {.rows = 7};
  device.write(layout.offset(1, 0), counting(56).data(), 56 * 4);
  device.write(layout.offset(4, 0), counting(48).data(), 48 * 4);
  auto run = [&](bool multiplies) {
    device.begin({&scalars, 1});
    device.replay(1, scalars, [&] {
      if (multiplies)
        device.product(1, {places, numbers, slots}, 7);
    });
  };
  for (int time = 0; time < CudaGraphs::timesBefore; ++time)
    run(false);
  EXPECT_EQ(heuristics, 0);
  run(true);
  EXPECT_EQ(heuristics, 1);
  EXPECT_EQ(device.graphs().captured(), 0);
  float y = 0;
  device.read(&y, layout.offset(2, 0), 4);
  EXPECT_EQ(y, 204) << "1² + … + 8²";
  run(true);
  EXPECT_EQ(device.graphs().captured(), 1);
  device.synchronize();
}

TEST_F(CudaDeviceTest, MemoryIsWhatThePlanSays) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(cuda::emulated(), bundle, layout);
  int64_t scratch = 128 * 16, constants = 4;
  EXPECT_EQ(layout.arenaBytes(), 1024 + 128 * 64);
  EXPECT_EQ(device.scratchBytes(), scratch + CudaProducts::workspaceBytes);
  int64_t planned = layout.arenaBytes() + device.scratchBytes() + int64_t(sizeof(Scalars)) + constants;
  EXPECT_EQ(device.allocatedBytes(), planned);
  EXPECT_EQ(int64_t(emulatedMemory().used), planned);
  // Pinned memory is the staging's, whatever is copied through it.
  std::vector<float> values(2048);
  for (int i = 0; i < 3; ++i)
    device.write(0, values.data(), 8192);
  EXPECT_EQ(int64_t(emulatedMemory().pinned), CudaStaging::chunkBytes);
}

TEST_F(CudaDeviceTest, OutOfMemoryIsSaidBeforeTheFirstStep) {
  cuda::setEmulatedMemory(size_t(40 + 256) << 20);
  Scalars many = {.rows = 1 << 17, .countedRows = 1, .kvRows = 1};
  EXPECT_REFUSED(load(many),
                 "needs 309 MiB of the GPU's memory (arena 17 MiB, scratch 36 MiB, 256 MiB kept back",
                 "of the emulated GPU's 296 MiB are 296 MiB free, 13 MiB too few", "lower max_length",
                 "per_device_train_batch_size", "memory_budget=3MiB", "computed again");
  files.json["kind"] = "generate";
  files.write();
  EXPECT_REFUSED(load(many), "lower max_new_tokens");
  load();
  cuda::setEmulatedMemory(0);
}

TEST_F(CudaDeviceTest, OutOfMemoryBehindTheCheckIsSaidAlike) {
  cuda::Table table = cuda::emulated();
  table.driver.memAlloc = [](cuda::DevicePointer *memory, size_t bytes) {
    return bytes == size_t(CudaProducts::workspaceBytes) ? cuda::Result::OutOfMemory
                                                         : cuda::emulated().driver.memAlloc(memory, bytes);
  };
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  EXPECT_REFUSED(CudaDevice(table, bundle, layout), "kept back for CUDA's own",
                 "the driver does not give the products' workspace", "lower max_length", "memory_budget=");
}

TEST_F(CudaDeviceTest, AKernelMayTouchItsOwnBuffersOnly) {
  auto program = load();
  setX(*program, 4);
  program->run("strange", {.rows = 4});
  EXPECT_REFUSED(program->output("y"), "out-of-bounds access", "scale.rows", "after the end of y (96 bytes)",
                 "thread");
  EXPECT_REFUSED(setX(*program, 4), "CUDA_ERROR_LAUNCH_FAILED"); // a fault is the end
  program.reset();
  setX(*load(), 4); // of that program alone
}

/// Eight rows are what two slots of p hold, and one of the last is told to be one row longer than they are.
TEST_F(CudaDeviceTest, AKernelMayTouchAllSlotsThatItIsGiven) {
  files.json["sections"] = parseJson(R"([
    {"name": "all", "commands": [{"launch": 0, "args": [{"buffer": 0}, {"buffer": 5, "all": true}]}]},
    {"name": "one", "commands": [{"launch": 0, "args": [{"buffer": 0}, {"buffer": 5}]}]}])",
                                     "sections");
  files.write();
  auto program = load();
  std::vector<float> slot(32);
  for (int run = 0; run < 4; ++run) { // captured and replayed
    setX(*program, 8);
    program->run("all", {.rows = 8});
    program->read(5, 1, 0, slot);
    EXPECT_EQ(slot[0], 2 * 33);
    EXPECT_EQ(slot[31], 2 * 64);
  }
  setX(*program, 9);
  program->run("all", {.rows = 9});
  EXPECT_REFUSED(program->read(5, 1, 0, slot), "out-of-bounds access", "after the end of p (128 bytes)");
  program.reset();
  program = load();
  setX(*program, 8);
  program->run("one", {.rows = 8});
  EXPECT_REFUSED(program->read(5, 0, 0, slot), "out-of-bounds access", "after the end of p (128 bytes)");
}

TEST_F(CudaDeviceTest, TimesOfKernelsAreThoseOfTheirWork) {
  auto program = load();
  program->executor().measure(true);
  program->run("products", {.rows = 7});
  const KernelTiming &timing = program->executor().timings()[1];
  EXPECT_EQ(timing.calls, 1);
  EXPECT_GT(timing.seconds, 0);
}

/// By events: what launching and waiting cost is no time of the kernel's.
TEST_F(CudaDeviceTest, TimesAreTakenAtASectionsEnd) {
  static std::string calls;
  cuda::Table table = cuda::emulated();
  table.driver.eventRecord = [](cuda::Event *event, cuda::Stream *stream) {
    calls += "e";
    return cuda::emulated().driver.eventRecord(event, stream);
  };
  table.blas.matmul = [](cuda::BlasLt *handle, cuda::MatmulDesc *desc, const void *alpha, const void *a,
                         cuda::MatrixLayout *aLayout, const void *b, cuda::MatrixLayout *bLayout,
                         const void *beta, const void *c, cuda::MatrixLayout *cLayout, void *d,
                         cuda::MatrixLayout *dLayout, const cuda::Algorithm *algorithm, void *memory,
                         size_t bytes, cuda::Stream *stream) {
    calls += "p";
    return cuda::emulated().blas.matmul(handle, desc, alpha, a, aLayout, b, bLayout, beta, c, cLayout, d,
                                        dLayout, algorithm, memory, bytes, stream);
  };
  table.driver.streamSynchronize = [](cuda::Stream *stream) {
    calls += "w";
    return cuda::emulated().driver.streamSynchronize(stream);
  };
  table.driver.eventSynchronize = [](cuda::Event *event) {
    calls += "W";
    return cuda::emulated().driver.eventSynchronize(event);
  };
  table.driver.eventElapsedTime = [](float *milliseconds, cuda::Event *start, cuda::Event *end) {
    cuda::Result result = cuda::emulated().driver.eventElapsedTime(milliseconds, start, end);
    *milliseconds = 250;
    return result;
  };
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(table, bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  executor.measure(true);
  for (int run = 1; run < 3; ++run) {
    calls.clear();
    executor.run("products", {.rows = 7});
    EXPECT_EQ(calls, "epeepeW");
    EXPECT_EQ(executor.timings()[1].seconds, 0.25 * run);
    EXPECT_EQ(executor.timings()[2].calls, run);
  }
}

/// As on a GPU, whose faults name no kernel.
TEST_F(CudaDeviceTest, AFaultIsToldByWhoWaits) {
  static bool isFaulty;
  isFaulty = false;
  cuda::Table table = cuda::emulated();
  table.driver.streamSynchronize = [](cuda::Stream *stream) {
    cuda::Result result = cuda::emulated().driver.streamSynchronize(stream);
    return isFaulty ? cuda::Result::IllegalAddress : result;
  };
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  for (const char *value : {"", "1"}) {
    setenv("MLORA_CUDA_SYNC", value, 1);
    CudaDevice device(table, bundle, layout);
    unsetenv("MLORA_CUDA_SYNC");
    Executor executor(bundle.manifest, layout, device);
    for (int run = 0; run < 3; ++run)
      executor.run("products", {.rows = 7});
    EXPECT_EQ(device.graphs().captured(), *value ? 0 : 1);
    isFaulty = true;
    if (*value)
      EXPECT_REFUSED(executor.run("products", {.rows = 7}), "cuStreamSynchronize behind project gives",
                     "CUDA_ERROR_ILLEGAL_ADDRESS");
    else
      EXPECT_REFUSED(device.synchronize(), "cuStreamSynchronize gives CUDA_ERROR_ILLEGAL_ADDRESS");
    isFaulty = false;
  }
}

TEST_F(CudaDeviceTest, MoreBlocksThanAGridHasAreRefused) {
  files.json["kernels"][0]["grid"] = {{{"extent", int64_t(1) << 31}, {"block", 1}}};
  files.json["kernels"][0]["scratch_bytes"] = 0;
  files.write();
  auto program = load();
  EXPECT_REFUSED(program->run("scale", {.rows = 4}), "scale.rows needs 2147483648 blocks",
                 "more than a GPU's grid has");
}

TEST_F(CudaDeviceTest, LargeTensorsGoThroughPiecesOfWholeRows) {
  // Of one row more than a chunk holds.
  int64_t rows = (CudaStaging::chunkBytes / 4096 + 1);
  files.json["buffers"][4] = {{"name", "w"},           {"role", "weight"},   {"dtype", "f32"},
                              {"shape", {rows, 1024}}, {"slots", 1},         {"slot_bytes", rows * 4096},
                              {"offset", 1024},        {"tensor", "model.w"}};
  files.json["arena"]["fixed"] = 1024 + rows * 4096;
  files.json["sections"].erase(1);
  files.write();
  auto program = load();
  std::vector<std::pair<int64_t, int64_t>> pieces;
  program->write(4, 0, 4096, [&](std::byte *to, int64_t first, int64_t bytes) {
    pieces.emplace_back(first, bytes);
    for (int64_t i = 0; i < bytes / 4; ++i)
      reinterpret_cast<float *>(to)[i] = float(first / 4 + i);
  });
  EXPECT_EQ(pieces, (std::vector<std::pair<int64_t, int64_t>>{{0, CudaStaging::chunkBytes},
                                                              {CudaStaging::chunkBytes, 4096}}));
  std::vector<float> back(size_t(rows) * 1024);
  program->read(4, 0, 0, back);
  EXPECT_EQ(back.back(), float(rows * 1024 - 1));
  EXPECT_EQ(back[12345], 12345);
  EXPECT_EQ(int64_t(emulatedMemory().pinned), 2 * CudaStaging::chunkBytes);
}

TEST_F(CudaDeviceTest, StridedParametersAreReadAsTheyWereWritten) {
  auto program = load();
  Parameters parameters(*program);
  float next = 1;
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : {ParameterPart::Value, ParameterPart::Moment1})
      parameters.write(tensor, part, counting(size_t(tensor.elements()), next += 100));
  next = 1;
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : {ParameterPart::Value, ParameterPart::Moment1})
      EXPECT_EQ(parameters.read(tensor, part), counting(size_t(tensor.elements()), next += 100));
  std::vector<float> slot(32);
  program->read(5, 1, 0, slot);
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(slot[row * 8 + 7], 0) << "padding";
}

TEST_F(CudaDeviceTest, TheCpuHasNoLibraryProducts) {
  TestBundle cpu;
  cpu.json["kernels"][0] = {{"name", "project"},
                            {"library",
                             {{"m", {{"extent", "rows"}}},
                              {"n", 8},
                              {"k", 8},
                              {"dtype", "f32"},
                              {"lda", 8},
                              {"ldw", 8},
                              {"ldy", 8}}}};
  cpu.json["sections"] = {
      {{"name", "one"},
       {"commands", {{{"launch", 0}, {"args", {{{"buffer", 1}}, {{"buffer", 8}}, {{"buffer", 7}}}}}}}}};
  cpu.write();
  EXPECT_REFUSED(Program(Bundle::load(cpu.path()), capacity, 1), "project", "library's product",
                 "target cpu");
}

/// PTX on what is no emulator to the executor: the emulator's functions without its hooks.
struct PtxBundle : CudaDeviceTest {
  cuda::Table table = cuda::emulated();

  void SetUp() override {
    table.emulator = {};
    json = files.json;
    json["target"] = "cuda";
    json["chip"] = "sm_90a";
    json["ptx"] = "program.ptx";
    write(".version 8.0\n.target sm_90a\n");
  }
  void write(const std::string &ptx) {
    files.folder.file("program.ptx", ptx);
    json["ptx_xxh3"] = hashHex(ptx);
    files.folder.file("manifest.json", json.dump());
  }
  void open() {
    Bundle bundle = Bundle::load(files.path());
    Layout layout(bundle.manifest, capacity);
    CudaDevice(table, bundle, layout);
  }
  nlohmann::json json;
};

TEST_F(PtxBundle, ForAnotherChipIsRefused) {
  json["chip"] = "sm_100";
  write(".version 8.0");
  EXPECT_REFUSED(open(), "manifest.json", "is for the chip sm_100", "the emulated GPU takes code for sm_90a");
}

TEST_F(PtxBundle, NewerThanTheDriverIsRefused) {
  table.driver.driverGetVersion = [](int *version) {
    *version = 12040;
    return cuda::Result::Success;
  };
  write(".version 8.6");
  EXPECT_REFUSED(open(), "program.ptx", "PTX 8.6 needs a driver for CUDA 12.7", "is for CUDA 12.4");
  write("text");
  EXPECT_REFUSED(open(), "program.ptx", "does not say the version of its PTX");
}

TEST_F(PtxBundle, ThatTheDriverDoesNotTakeIsRefusedWithItsWords) {
  EXPECT_REFUSED(open(), "cuModuleLoadDataEx", "program.ptx", "CUDA_ERROR_INVALID_IMAGE");
  table.driver.moduleLoadDataEx = [](cuda::Module **, const void *, unsigned, cuda::JitOption *,
                                     void **values) {
    std::strcpy(static_cast<char *>(values[0]), "line 3: unknown instruction");
    return cuda::Result::InvalidPtx;
  };
  EXPECT_REFUSED(open(), "program.ptx", "the driver does not take it: line 3: unknown instruction");
}

/// What was loaded: a bundle's machine code where the GPU is of its chip, otherwise its PTX.
struct CubinBundle : PtxBundle {
  static inline std::vector<std::string> loaded;

  void SetUp() override {
    PtxBundle::SetUp();
    loaded.clear();
    table.driver.moduleLoadDataEx = [](cuda::Module **, const void *image, unsigned, cuda::JitOption *, void **) {
      loaded.push_back(static_cast<const char *>(image));
      return cuda::Result::InvalidImage;
    };
  }
  void writeWithCubin() {
    write(ptx);
    files.folder.file(Bundle::cubinFile, "machine code");
    Bundle::addCubin(files.path());
  }
  /// No image is one that the emulator runs.
  std::vector<std::string> tried() {
    EXPECT_THROW(open(), Error);
    return loaded;
  }
  std::string ptx = ".version 8.0\n.target sm_90a\n";
};

TEST_F(CubinBundle, IsTriedBeforeItsPtx) {
  writeWithCubin();
  EXPECT_EQ(tried(), (std::vector<std::string>{"machine code", ptx}));
}

TEST_F(CubinBundle, IsForItsChipAlone) {
  json["chip"] = "sm_80";
  writeWithCubin();
  EXPECT_EQ(tried(), std::vector<std::string>{ptx});
}

TEST_F(CubinBundle, OfOtherPtxCountsAsNone) {
  writeWithCubin();
  json = readJsonFile(files.path() / "manifest.json");
  ptx += "\n";
  write(ptx);
  EXPECT_EQ(tried(), std::vector<std::string>{ptx});
}

TEST_F(CubinBundle, MayBeLeftOut) {
  writeWithCubin();
  std::filesystem::remove(files.path() / Bundle::cubinFile);
  EXPECT_EQ(tried(), std::vector<std::string>{ptx});
}

TEST_F(CubinBundle, ThatIsDamagedIsAnError) {
  writeWithCubin();
  files.folder.file(Bundle::cubinFile, "machine cod");
  EXPECT_REFUSED(Bundle::load(files.path()), "program.cubin", "its hash is not the one in the manifest");
  EXPECT_REFUSED(Bundle::loadSealed(files.path()), "program.cubin");
}

TEST(CudaChip, IsThatOfTheComputeCapability) {
  EXPECT_EQ(chipFor(8, 6, "GPU"), "sm_80");
  EXPECT_EQ(chipFor(9, 0, "GPU"), "sm_90a");
  EXPECT_EQ(chipFor(10, 3, "GPU"), "sm_100");
  EXPECT_REFUSED(chipFor(7, 5, "NVIDIA T4"), "NVIDIA T4", "7.5", "8.x (sm_80)", "device=cpu");
  EXPECT_REFUSED(chipFor(12, 0, "a later one"), "12.0");
}

TEST(CudaChip, RunsCodeForEarlierOnesButNotForTheirOwnFeatures) {
  EXPECT_TRUE(runsCodeFor("sm_80", 9, 0));
  EXPECT_TRUE(runsCodeFor("sm_90", 9, 0));
  EXPECT_TRUE(runsCodeFor("sm_90a", 9, 0));
  EXPECT_TRUE(runsCodeFor("sm_100", 10, 3));
  EXPECT_FALSE(runsCodeFor("sm_90a", 10, 0));
  EXPECT_FALSE(runsCodeFor("sm_90", 8, 6));
  EXPECT_FALSE(runsCodeFor("sm_100", 9, 0));
  EXPECT_FALSE(runsCodeFor("", 9, 0));
}

TEST(CudaChip, HasMachineCodeOfItsOwn) {
  EXPECT_TRUE(isChip("sm_90", 9, 0));
  EXPECT_TRUE(isChip("sm_90a", 9, 0));
  EXPECT_FALSE(isChip("sm_80", 8, 6));
  EXPECT_FALSE(isChip("", 9, 0));
}

} // namespace
