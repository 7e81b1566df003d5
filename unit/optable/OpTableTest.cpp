// Every op that can stand in a kernel, on every target, against the f64 reference.

#include "Compare.h"
#include "Target.h"
#include "mlora/InitAll.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

using namespace mlir;

namespace optable {
namespace {

/// A context that keeps what the compiler says.
struct Compiler {
  Compiler()
      : context(registry()), handler(&context, [this](Diagnostic &diagnostic) {
          messages += diagnostic.str() + "\n";
          return success();
        }) {}

  OwningOpRef<ModuleOp> parse(const std::vector<Case> &cases) {
    return parseSourceString<ModuleOp>(textOf(cases), &context);
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;

private:
  static DialectRegistry registry() {
    DialectRegistry registry;
    ::mlir::mlora::registerAllDialects(registry);
    return registry;
  }
};

} // namespace

class OpTable : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(OpTable, AgreesWithReference) {
  auto [targetName, group] = GetParam();
  std::vector<std::unique_ptr<Target>> targets = makeTargets();
  Target &target = **llvm::find_if(targets, [&](auto &target) { return target->name() == targetName; });
  std::vector<Case> cases = casesOf(group);
  Compiler compiler;
  OwningOpRef<ModuleOp> module = compiler.parse(cases);
  ASSERT_TRUE(module) << compiler.messages;
  std::unique_ptr<CompiledCases> compiled = target.compile(module->clone(), cases);
  ASSERT_TRUE(compiled) << compiler.messages;

  double worst = 0;
  for (const Case &oneCase : cases)
    for (size_t index = 0; index < oneCase.runs.size(); ++index) {
      const Execution &run = oneCase.runs[index];
      SCOPED_TRACE(describe(oneCase, run));
      std::vector<std::vector<double>> arguments = makeArguments(oneCase, index);
      std::vector<std::vector<float>> before = memoryBefore(oneCase, run);
      auto expected =
          expect(module->lookupSymbol<func::FuncOp>(oneCase.name), oneCase, run, arguments, before);
      ASSERT_TRUE(succeeded(expected)) << compiler.messages;
      Outcome outcome;
      ASSERT_NO_THROW(outcome = compiled->run(oneCase, run, arguments, before));
      for (const std::string &damage : outcome.damage)
        ADD_FAILURE() << damage;
      for (size_t i = 0; i < oneCase.results.size(); ++i) {
        double error = relativeError(outcome.results[i], (*expected)[i].data);
        EXPECT_LE(error, oneCase.tolerance) << "%" << oneCase.results[i].name;
        worst = std::max(worst, error);
      }
    }
  RecordProperty("worstRelativeError", llvm::formatv("{0:e1}", worst).str());
}

/// Every target with every group of cases that it takes.
static std::vector<std::tuple<std::string, std::string>> combinations() {
  std::vector<std::tuple<std::string, std::string>> all;
  for (const std::unique_ptr<Target> &target : makeTargets())
    for (const std::string &group : groups())
      if (target->takes(group) && (target->takesBF16() || !casesOf(group)[0].hasBF16()))
        all.push_back({target->name(), group});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Ops, OpTable, testing::ValuesIn(combinations()), [](auto &info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(OpTableCoverage, EveryOpOfKernelsHasACase) {
  const std::map<std::string, std::string> exempt = {
      {"mlora.branch", "fuse-branches turns it into adapted_linear and stack_up"},
      {"mlora.gemm", "works on blocks: lower-kernels makes it (unit/target)"},
      {"mlora.product", "is a library's (unit/cuda), in whole programs (unit/goldens)"},
      {"mlora.dequantize", "is no work of its own: the product and the embedding that read it unpack blocks "
                           "(unit/target/QuantizedGemmTest.cpp, unit/goldens/QuantizedTest.cpp)"},
      {"mlora.kernel", "structure"},
      {"mlora.yield", "structure"},
      {"mlora.launch", "structure"},
      {"mlora.program", "structure"},
      {"mlora.buffer", "structure"},
      {"mlora.section", "structure"},
      {"mlora.layers", "structure"},
      {"mlora.chunked_call", "structure"},
      {"mlora.chunks", "structure"},
      {"mlora.joined_kernel", "structure: unit/program, unit/goldens"},
      {"mlora.part", "structure"},
      {"mlora.emulate", "says what to run: test/Target/emulate-*.mlir"},
  };
  Compiler compiler;
  std::set<std::string> covered, registered;
  OwningOpRef<ModuleOp> module = compiler.parse(table());
  ASSERT_TRUE(module) << compiler.messages;
  module->walk([&](Operation *op) { covered.insert(op->getName().getStringRef().str()); });
  for (RegisteredOperationName op : compiler.context.getRegisteredOperationsByDialect("mlora"))
    registered.insert(op.getStringRef().str());
  ASSERT_FALSE(registered.empty());
  for (const std::string &op : registered)
    EXPECT_NE(covered.count(op), exempt.count(op))
        << op
        << (covered.count(op) ? " has a case and is exempt"
                              : " has no case in unit/optable and no exemption");
  for (auto &[op, reason] : exempt)
    EXPECT_TRUE(registered.count(op)) << op << " is exempt (" << reason << ") but no op";
}

TEST(OpTableCoverage, OtherTolerancesHaveAReason) {
  for (const Case &oneCase : table())
    EXPECT_EQ(oneCase.tolerance != 1e-5, !oneCase.why.empty()) << oneCase.name;
}

} // namespace optable
