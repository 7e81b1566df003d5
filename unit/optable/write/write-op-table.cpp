// Compiles the op table ahead for a chip: for each group its PTX and what launching its kernels needs, in a folder of
// the chip's, and beside that samples of the reference's results (scripts/gpu-check; mlora-op-table runs them).
#include "../Compare.h"
#include "../GpuTarget.h"
#include "Outcome.h"
#include "mlora/InitAll.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Target/PTX.h"

#include "mlir/Parser/Parser.h"

#include <cmath>
#include <iostream>

using namespace mlir;
using namespace optable;
namespace fs = std::filesystem;

namespace {

void append(std::string &bytes, double value) {
  auto stored = float(value);
  bytes.append(reinterpret_cast<const char *>(&stored), sizeof stored);
}

/// Of each result its greatest magnitude and its sample, as f32; empty with a diagnostic where the reference refuses.
std::optional<std::string> expectedOf(ModuleOp module, const std::vector<Case> &cases) {
  std::string bytes;
  for (const Case &oneCase : cases)
    for (size_t index = 0; index < oneCase.runs.size(); ++index) {
      const Execution &run = oneCase.runs[index];
      auto results = expect(module.lookupSymbol<func::FuncOp>(oneCase.name), oneCase, run,
                            makeArguments(oneCase, index), memoryBefore(oneCase, run));
      if (failed(results))
        return std::nullopt;
      for (const auto &tensor : *results) {
        double scale = 0;
        for (double value : tensor.data)
          scale = std::max(scale, std::abs(value));
        append(bytes, scale);
        for (size_t i : sampleOf(tensor.data.size()))
          append(bytes, tensor.data[i]);
      }
    }
  return bytes;
}

bool writeGroup(MLIRContext &context, const mlir::mlora::Chip &chip, const std::string &group,
                const fs::path &folder) {
  std::vector<Case> cases = casesOf(group);
  auto module = parseSourceString<ModuleOp>(textOf(cases), &context);
  if (!module)
    return false;
  std::optional<std::string> expected = expectedOf(*module, cases);
  FailureOr<GpuModule> compiled = compileForGpu(*module, chip.name);
  if (!expected || failed(compiled))
    return false;
  FailureOr<std::string> ptx = mlir::mlora::emitPTX(compiled->kernels, chip);
  if (failed(ptx))
    return false;
  for (auto &[name, kernel] : compiled->cases.kernels)
    kernel.symbol = mlir::mlora::ptxName(name);
  ::mlora::makeFolders(folder / chip.name.str());
  ::mlora::writeFileAtomically(folder / chip.name.str() / (group + ".ptx"), *ptx);
  ::mlora::writeFileAtomically(folder / chip.name.str() / (group + ".json"), compiled->cases.toJson().dump());
  ::mlora::writeFileAtomically(folder / (group + ".expected"), *expected);
  return true;
}

} // namespace

int main(int argc, char **argv) {
  const mlir::mlora::Chip *chip = argc == 3 ? mlir::mlora::findChip(argv[2]) : nullptr;
  if (!chip) {
    std::cerr << "usage: mlora-write-op-table FOLDER CHIP    CHIP: " << mlir::mlora::chipNames() << "\n";
    return 2;
  }
  DialectRegistry registry;
  mlir::mlora::registerAllDialects(registry);
  mlir::mlora::registerPTXDialects(registry);
  MLIRContext context(registry);
  try {
    for (const std::string &group : groups())
      if (!writeGroup(context, *chip, group, argv[1])) {
        std::cerr << "mlora-write-op-table: error: group " << group << " does not compile: see above\n";
        return 1;
      }
  } catch (const std::exception &error) {
    std::cerr << "mlora-write-op-table: error: " << error.what() << "\n";
    return 1;
  }
}
