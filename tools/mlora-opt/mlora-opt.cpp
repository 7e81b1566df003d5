//===- mlora-opt.cpp - the compiler's driver -------------------------------------===//

#include "mlora/InitAll.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;

// As options too, so that --help explains them.
static llvm::cl::opt<std::string>
    compile("mlora-compile", llvm::cl::value_desc("request.json"),
            llvm::cl::desc("Compile what the request asks for into --mlora-bundle"));
static llvm::cl::opt<std::string>
    bundle("mlora-bundle", llvm::cl::value_desc("folder"),
           llvm::cl::desc("Folder that --mlora-compile writes the bundle into"));

/// The way mlora-run calls the compiler: nothing of mlir-opt's machinery.
static int compileBundle(StringRef request, StringRef folder) {
  DialectRegistry registry;
  mlora::registerAllDialects(registry);
  MLIRContext context(registry);
  return int(mlora::compileRequest(context, request, folder));
}

/// Values print under their names (mlora/Dialect/Names.h) unless --mlir-use-nameloc-as-prefix=false.
static void printNames() {
  registerAsmPrinterCLOptions();
  auto option = llvm::cl::getRegisteredOptions().find("mlir-use-nameloc-as-prefix");
  if (option != llvm::cl::getRegisteredOptions().end())
    static_cast<llvm::cl::opt<bool> *>(option->second)->setInitialValue(true);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  StringRef request, folder;
  for (StringRef argument : llvm::ArrayRef(argv, argc).drop_front()) {
    if (argument.consume_front("--mlora-compile="))
      request = argument;
    else if (argument.consume_front("--mlora-bundle="))
      folder = argument;
  }
  if (!request.empty() && !folder.empty())
    return compileBundle(request, folder);

  printNames();
  DialectRegistry registry;
  mlora::registerAllDialects(registry);
  mlora::registerAllPasses();
  return asMainReturnCode(MlirOptMain(argc, argv, "mlora compiler\n", registry));
}
