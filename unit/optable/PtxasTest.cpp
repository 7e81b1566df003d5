// Every kernel of the op table and of a training program, assembled for every chip: nothing in local memory,
// nothing spilled, no more registers than the ceiling.

#include "Case.h"
#include "GpuKernels.h"
#include "mlora/InitAll.h"
#include "mlora/Target/PTX.h"
#include "mlora/Target/Program.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ::mlir::mlora;

namespace optable {
namespace {

/// Of a thread of a kernel made of blocks, by the blocks of 128 threads whose registers a multiprocessor
/// holds at least
/// (`nvvm.minctasm`): 4; 3 with a product through stages of shared memory, 2 with several.
int64_t mostRegisters(int64_t blocks) { return blocks >= 4 ? 128 : blocks == 3 ? 168 : 255; }
/// Of any thread: attention on tensor cores takes what there is (docs/gpu.md).
constexpr int64_t kMostRegistersOfAll = 255;

/// Of a block: what any chip since sm_80 gives to one. Attention on tensor cores asks for what its chip has.
constexpr int64_t kMostSharedBytes = 99 * 1024;
constexpr int64_t kMostSharedBytesOfAll = 163 * 1024;

class Ptxas : public testing::Test {
protected:
  void SetUp() override {
    if (!(ptxas = findPtxas()))
      GTEST_SKIP() << "needs ptxas, which is neither in PATH nor in /usr/local/cuda/bin";
    DialectRegistry registry;
    registerAllDialects(registry);
    registerPTXDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// A module of kernels and whatever else, which is dropped.
  void assembleAll(ModuleOp module) {
    for (StringRef name : {"sm_80", "sm_90", "sm_100"}) {
      OwningOpRef<ModuleOp> copy = module.clone();
      FailureOr<gpu::GPUModuleOp> kernels = lowerToGpu(*copy, name);
      ASSERT_TRUE(succeeded(kernels));
      llvm::StringMap<int64_t> dynamicBytes, ceilings, sharedLimits;
      for (auto function : kernels->getOps<LLVM::LLVMFuncOp>()) {
        std::string name = ptxName(function.getName());
        dynamicBytes[name] = function->getAttrOfType<IntegerAttr>("mlora.shared_bytes").getInt();
        auto blocks = function->getAttrOfType<IntegerAttr>("nvvm.minctasm");
        bool isAttention =
            function->getAttrOfType<StringAttr>("mlora.schedule").getValue().starts_with("attention.");
        sharedLimits[name] = isAttention ? kMostSharedBytesOfAll : kMostSharedBytes;
        ceilings[name] = isAttention ? kMostRegistersOfAll : mostRegisters(blocks ? blocks.getInt() : 4);
      }
      const Chip &chip = *findChip(name);
      FailureOr<std::string> ptx = emitPTX(*kernels, chip);
      ASSERT_TRUE(succeeded(ptx));
      EXPECT_EQ(ptx->find(".extern .func"), std::string::npos);
      auto resources = assemble(kernels->getLoc(), *ptxas, *ptx, chip);
      ASSERT_TRUE(succeeded(resources));
      EXPECT_EQ(resources->size(), dynamicBytes.size());
      for (const KernelResources &kernel : *resources) {
        SCOPED_TRACE(kernel.kernel + " for " + name.str());
        EXPECT_EQ(kernel.stackBytes, 0);
        EXPECT_EQ(kernel.spilledBytes, 0);
        EXPECT_GT(kernel.registers, 0);
        EXPECT_LE(kernel.registers, ceilings.lookup(kernel.kernel));
        EXPECT_LE(kernel.sharedBytes + dynamicBytes.lookup(kernel.kernel),
                  sharedLimits.lookup(kernel.kernel));
        if (kernel.registers > most)
          most = kernel.registers, largest = kernel.kernel + " for " + name.str();
      }
      assembled += resources->size();
    }
  }

  /// Functions, as kernels of their own.
  void formAndAssemble(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    PassManager form(&context);
    form.addPass(createMLoraFormKernels(gpuBlocks()));
    ASSERT_TRUE(succeeded(form.run(*module)));
    assembleAll(*module);
  }

  void TearDown() override {
    if (assembled)
      std::cout << assembled << " kernels assembled; most registers: " << most << ", " << largest << "\n";
  }

  MLIRContext context;
  std::optional<std::string> ptxas;
  size_t assembled = 0;
  int64_t most = 0;
  std::string largest;
};

class PtxasOfOpTable : public Ptxas, public testing::WithParamInterface<std::string> {};

TEST_P(PtxasOfOpTable, Fits) {
  formAndAssemble(textOf(casesOf(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(All, PtxasOfOpTable, testing::ValuesIn(groups()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

/// The generated kernels of a head's chunk, for real vocabularies and one of odd length: losses with the
/// logits' gradient, and the gradient of a trained head.
std::string headOf(const std::string &words, const std::string &width, const std::string &type) {
  std::string rows = " {mlora.extent = \"counted_rows\"}", vector = "tensor<?xf32>",
              targets = "tensor<?xi32>", logits = "tensor<?x" + words + "xf32>",
              dlogits = "tensor<?x" + words + "x" + type + ">", x = "tensor<?x" + width + "x" + type + ">",
              weight = "tensor<" + words + "x" + width + "xf32>";
  return "func.func @head_" + words + "_" + type + "(%z: " + logits + rows + ", %t: " + targets + rows +
         ", %d: " + vector + rows + ", %x: " + x + rows + ") -> (" + vector + ", " + weight + ") {\n" +
         "%nll, %lse = mlora.nll %z, %t : (" + logits + ", " + targets + ") -> (" + vector + ", " + vector +
         ")\n%dz = mlora.nll.input_grad %d, %z, %t, %lse : (" + vector + ", " + logits + ", " + targets +
         ", " + vector + ") -> " + dlogits + "\n%dw = mlora.token_outer %dz, %x : (" + dlogits + ", " + x +
         ") -> " + weight + "\nreturn %nll, %dw : " + vector + ", " + weight + "\n}\n";
}

TEST_F(Ptxas, HeadsOfRealVocabularies) {
  std::string text;
  for (auto [words, width] :
       {std::pair("32000", "2048"), {"49152", "576"}, {"128256", "4096"}, {"50257", "768"}})
    for (const char *type : {"f32", "bf16"})
      text += headOf(words, width, type);
  formAndAssemble(text);
}

/// The program that trains, up to its kernels, stored as each type, with adapters and with all that is
/// trained.
class PtxasOfProgram : public Ptxas,
                       public testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(PtxasOfProgram, Fits) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  PassManager passes(&context);
  auto [type, method] = GetParam();
  passes.addPass(createImport({MLORA_SOURCE "/test/Transforms/Inputs/tiny-config.json", "train", type}));
  AttachAdaptersOptions adapters;
  adapters.method = method;
  passes.addPass(createAttachAdapters(adapters));
  passes.addPass(createFuseBranches());
  passes.addPass(createAutodiff());
  passes.addPass(createRematerialize());
  passes.addPass(createMLoraAddOptimizer());
  passes.addPass(createChunkHead());
  passes.addPass(createMLoraFormKernels(gpuBlocks()));
  ASSERT_TRUE(succeeded(passes.run(*module)));
  assembleAll(*module);
}

INSTANTIATE_TEST_SUITE_P(Training, PtxasOfProgram,
                         testing::Combine(testing::Values("f32", "bf16"), testing::Values("multilora", "ft")),
                         [](const auto &info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param);
                         });

/// The optimizer of an 8B model: joined kernels.
struct Trained {
  std::string method;
  int64_t branches, rank;
};
class PtxasOfOptimizer : public Ptxas, public testing::WithParamInterface<Trained> {};

TEST_P(PtxasOfOptimizer, Fits) {
  ProgramOptions options;
  options.config = MLORA_SOURCE "/test/Transforms/Inputs/llama-3.1-8b.json";
  options.target = ProgramTarget::Emulate;
  options.dtype = ProgramType::BF16;
  options.method = GetParam().method;
  options.numBranches = GetParam().branches;
  options.rank = GetParam().rank;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  PassManager passes(&context);
  buildProgramPipeline(passes, ProgramKind::Train, options);
  ASSERT_TRUE(succeeded(passes.run(*module)));
  size_t joined = 0;
  for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
    isa<JoinedKernelOp>(op) ? void(++joined) : op.erase();
  EXPECT_EQ(joined, GetParam().method == "ft" ? 2u : 3u);
  assembleAll(*module);
}

INSTANTIATE_TEST_SUITE_P(Methods, PtxasOfOptimizer,
                         testing::Values(Trained{"multilora", 3, 32}, Trained{"multilora", 5, 32}, Trained{"lora", 1, 16},
                                         Trained{"lora", 1, 96}, Trained{"lora", 1, 160}, Trained{"ft", 1, 32}),
                         [](const auto &info) {
                           const Trained &t = info.param;
                           return t.method + "_" + std::to_string(t.branches) + "_" + std::to_string(t.rank);
                         });

} // namespace
} // namespace optable
