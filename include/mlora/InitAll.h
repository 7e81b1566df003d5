//===- InitAll.h - dialects and passes of this compiler ------------------------------===//
//
// What mlora-opt and mlora-lsp-server know: few dialects, so that they start at once.

#pragma once

#include "mlora/Dialect/MLora.h"
#include "mlora/Reference/Passes.h"
#include "mlora/Target/CPU.h"
#include "mlora/Target/GPU.h"
#include "mlora/Target/Program.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::mlora {

inline void registerAllDialects(DialectRegistry &registry) {
  registry.insert<MLoraDialect, affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, gpu::GPUDialect, LLVM::LLVMDialect, linalg::LinalgDialect,
                  math::MathDialect, memref::MemRefDialect, nvgpu::NVGPUDialect, NVVM::NVVMDialect,
                  scf::SCFDialect, tensor::TensorDialect, ub::UBDialect, vector::VectorDialect>();
}

inline void registerAllPasses() {
  registerMLoraPasses();
  registerMLoraReferencePasses();
  registerCPUPipelines();
  registerGPUPipelines();
  registerProgramPipelines();
  registerTransformsPasses();
}

} // namespace mlir::mlora
