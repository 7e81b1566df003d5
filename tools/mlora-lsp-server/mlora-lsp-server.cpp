//===- mlora-lsp-server.cpp - our IR in an editor: errors, definitions, hover ------===//

#include "mlora/InitAll.h"

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::mlora::registerAllDialects(registry);
  mlir::mlora::registerAllPasses();
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
