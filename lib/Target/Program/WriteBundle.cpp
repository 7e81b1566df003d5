//===- WriteBundle.cpp - a planned program as files ------------------------------------===//

#include "../CPU/EmitObject.h"

#include "mlora/Dialect/Flops.h"
#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Traffic.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Program/Scalars.h"
#include "mlora/Target/CPU.h"
#include "mlora/Target/EmulatedModule.h"
#include "mlora/Target/GPU.h"
#include "mlora/Target/LoadedModule.h"
#include "mlora/Target/PTX.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_WRITEBUNDLE
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;
namespace json = llvm::json;

static_assert(kCapacityStep == ::mlora::capacityStep,
              "what is planned is aligned for what the runtime rounds");

/// An attribute as JSON; other kinds of attributes as their text.
static json::Value toJson(Attribute attr) {
  if (auto dictionary = dyn_cast<DictionaryAttr>(attr)) {
    json::Object object;
    for (NamedAttribute entry : dictionary)
      object[entry.getName().strref()] = toJson(entry.getValue());
    return object;
  }
  if (auto array = dyn_cast<ArrayAttr>(attr))
    return json::Array(llvm::map_range(array, toJson));
  if (auto array = dyn_cast<DenseI64ArrayAttr>(attr))
    return json::Array(array.asArrayRef());
  if (auto text = dyn_cast<StringAttr>(attr))
    return text.getValue();
  if (auto flag = dyn_cast<BoolAttr>(attr))
    return flag.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return integer.getValue().getSExtValue();
  if (auto real = dyn_cast<FloatAttr>(attr))
    return real.getValueAsDouble();
  if (isa<UnitAttr>(attr))
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << attr;
  return text;
}

/// For reports: floating-point operations of a kernel, a row of its grid.
static int64_t countFlops(KernelOp kernel) {
  int64_t flops = 0;
  for (Operation &op : kernel.getBody().front().without_terminator())
    flops += mlir::mlora::flopsPerRow(&op);
  return flops;
}

/// A kernel's ops.
static std::string describeOps(KernelOp kernel) {
  return llvm::join(llvm::map_range(kernel.getBody().front().without_terminator(),
                                    [](Operation &op) { return op.getName().stripDialect(); }),
                    ", ");
}

/// For people: what joined kernels do, and how often.
static std::string describeParts(JoinedKernelOp joined) {
  return llvm::join(
      llvm::map_range(
          joined.getBody().getOps<PartOp>(),
          [](PartOp part) {
            return (Twine(int64_t(part.getLayers())) + " x " + describeOps(part.getJoined())).str();
          }),
      "; ");
}

/// For people: what a kernel does, in the words of its ops, and what it reads and writes once.
static std::string describeKernel(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  std::string text = describeOps(kernel);
  auto list = [&](StringRef verb, ValueRange values) {
    auto names = llvm::map_to_vector(values, mlir::mlora::nameOf);
    if (!names.empty() && !llvm::is_contained(names, ""))
      text += "; " + (verb + " " + llvm::join(names, ", ")).str();
  };
  list("reads", body.getArguments());
  list("writes", body.getTerminator()->getOperands());
  return text;
}

/// `f32`, `bf16`, `i32`, `i8`.
static std::string toText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static json::Array describeGrid(ArrayAttr dimensions) {
  json::Array grid;
  for (const KernelOp::GridDimension &dimension : KernelOp::parseGrid(dimensions))
    grid.push_back(json::Object{
        {"extent", dimension.extent.empty() ? json::Value(dimension.size) : json::Value(dimension.extent)},
        {"block", dimension.block}});
  return grid;
}

namespace {

class ManifestWriter {
public:
  ManifestWriter(ModuleOp module, ProgramOp program) : module(module), program(program) {}
  LogicalResult collect();
  FailureOr<json::Object> build();

private:
  json::Object describe(BufferOp buffer);
  json::Object describe(KernelOp kernel);
  json::Object describe(JoinedKernelOp joined);
  FailureOr<json::Object> describe(LaunchOp launch);
  FailureOr<json::Array> commands(Block &block);
  LogicalResult addParts(BufferOp buffer, json::Array &parameters);

  ModuleOp module;
  ProgramOp program;
  llvm::MapVector<Operation *, int64_t> buffers, kernels;
  llvm::StringMap<int64_t> bufferByName, kernelByName;
};

struct WriteBundle : mlir::mlora::impl::WriteBundleBase<WriteBundle> {
  using WriteBundleBase::WriteBundleBase;
  void getDependentDialects(DialectRegistry &registry) const override {
    mlir::mlora::registerEmitObjectDialects(registry);
    mlir::mlora::registerEmulatorDialects(registry);
    registerPTXDialects(registry);
    for (auto build : {buildToCPUPipeline, buildToGPUPipeline}) {
      OpPassManager passes("builtin.module");
      build(passes);
      passes.getDependentDialects(registry);
    }
  }
  void runOnOperation() override {
    if (failed(write()))
      signalPassFailure();
  }

private:
  LogicalResult write();
  /// Compiles the kernels in a copy to the code of the target, and says in the manifest what running them
  /// takes.
  LogicalResult compileKernels(json::Object &manifest);
  LogicalResult compileForCPU(ModuleOp kernels, json::Object &manifest);
  LogicalResult compileForEmulator(gpu::GPUModuleOp kernels, json::Object &manifest);
  LogicalResult compileForCUDA(gpu::GPUModuleOp kernels, json::Object &manifest);
  /// The code's file and its hash, as manifest[key] and manifest[key_xxh3].
  LogicalResult nameCode(StringRef key, StringRef file, json::Object &manifest);
  LogicalResult writeFile(StringRef name, llvm::function_ref<void(raw_ostream &)> print);
  std::string inFolder(StringRef name) {
    SmallString<128> file(path);
    llvm::sys::path::append(file, name);
    return file.str().str();
  }
};

} // namespace

//===- Manifest -------------------------------------------------------------------===//

LogicalResult ManifestWriter::collect() {
  for (auto buffer : program.getBody().front().getOps<BufferOp>()) {
    if (!buffer.getOffset())
      return buffer.emitOpError("has no offset: the program is not planned");
    int64_t number = buffers.size();
    buffers[buffer] = number;
    if (!bufferByName.try_emplace(buffer.getName(), number).second)
      return buffer.emitOpError() << "has the name of another buffer, '" << buffer.getName() << "'";
  }
  for (Operation &op : *module.getBody()) {
    if (!isa<KernelOp, JoinedKernelOp>(op))
      continue;
    int64_t number = kernels.size();
    kernels[&op] = number;
    kernelByName[SymbolTable::getSymbolName(&op)] = number;
  }
  return success();
}

json::Object ManifestWriter::describe(BufferOp buffer) {
  auto type = cast<MemRefType>(buffer.getMemory().getType());
  StringRef extent = buffer.getExtent().value_or("");
  json::Array shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? json::Value(extent) : json::Value(size));
  auto slotBytes = buffer->getAttrOfType<IntegerAttr>("slot_bytes");
  json::Object object{
      {"name", buffer.getName()},
      {"role", buffer.getRole()},
      {"dtype", toText(type.getElementType())},
      {"shape", std::move(shape)},
      {"slots", int64_t(buffer.getSlots())},
      {"slot_bytes", slotBytes ? slotBytes.getInt() : bytesPerRow(type)},
      {"offset", int64_t(*buffer.getOffset())},
  };
  if (auto region = buffer.getPlace())
    object["region"] = *region;
  if (buffer->hasAttr("packed"))
    object["packed"] = true;
  if (auto tensor = buffer.getTensor())
    object["tensor"] = *tensor;
  if (auto format = buffer->getAttrOfType<StringAttr>("format"))
    object["format"] = format.getValue();
  if (buffer.getRole() == "weight")
    if (auto parts = buffer->getAttrOfType<ArrayAttr>("parts"))
      object["parts"] = toJson(parts);
  return object;
}

/// A library's product: its operands are whole buffers, row after row.
static json::Object describeProduct(ProductOp op, StringRef extent) {
  auto columns = [](Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); };
  auto rows = op.getOutput().getType().getDimSize(0);
  json::Object product{
      {"m", json::Object{{"extent", ShapedType::isDynamic(rows) ? json::Value(extent) : json::Value(rows)}}},
      {"n", columns(op.getOutput())},
      {"k", columns(op.getInput())},
      {"dtype", toText(getElementTypeOrSelf(op.getInput()))},
      {"lda", columns(op.getInput())},
      {"ldw", columns(op.getWeight())},
      {"ldy", columns(op.getOutput())},
      {"transposed", op.getTransposed()}};
  if (getElementTypeOrSelf(op.getOutput()) != getElementTypeOrSelf(op.getInput()))
    product["result"] = toText(getElementTypeOrSelf(op.getOutput()));
  return product;
}

json::Object ManifestWriter::describe(KernelOp kernel) {
  json::Object bytes;
  for (auto &[extent, count] : bytesMoved(kernel))
    bytes[extent.empty() ? std::string("fixed") : extent.str()] = count; // a StringRef would not be copied
  int64_t flopsPerPair = 0;
  for (Operation &op : kernel.getBody().front())
    flopsPerPair += mlir::mlora::flopsPerPair(&op);
  json::Object object{{"name", kernel.getSymName()},
                      {"symbol", kernel.getSymName()},
                      {"grid", describeGrid(kernel.getGrid())},
                      {"doc", describeKernel(kernel)},
                      {"flops_per_row", countFlops(kernel)},
                      {"flops_per_pair", flopsPerPair},
                      {"bytes", std::move(bytes)}};
  if (kernel->hasAttr("library")) {
    auto extent = kernel.getResultAttrDict(0).getAs<StringAttr>(kExtentAttr);
    object.erase("symbol");
    object["library"] = describeProduct(cast<ProductOp>(kernel.getBody().front().front()),
                                        extent ? extent.getValue() : StringRef());
  }
  return object;
}

/// Its operations are counted as none: there is no row of a token that they belong to.
json::Object ManifestWriter::describe(JoinedKernelOp joined) {
  return json::Object{{"name", joined.getSymName()},
                      {"symbol", joined.getSymName()},
                      {"grid", json::Array{json::Object{{"extent", joined.getBlocks()}, {"block", 1}}}},
                      {"doc", describeParts(joined)},
                      {"bytes", json::Object{{"fixed", bytesMoved(joined)}}}};
}

FailureOr<json::Object> ManifestWriter::describe(LaunchOp launch) {
  auto kernel = kernelByName.find(launch.getKernel());
  if (kernel == kernelByName.end())
    return launch.emitOpError() << "names no kernel: '" << launch.getKernel() << "'";
  json::Array arguments;
  for (auto [i, operand] : llvm::enumerate(launch.getOperands_())) {
    auto buffer = operand.getDefiningOp<BufferOp>();
    if (!buffer)
      return launch.emitOpError() << "operand " << i << " is no buffer: the program is not planned";
    json::Object argument{{"buffer", buffers[buffer]}};
    StringRef slot = launch.getSlots() ? cast<StringAttr>((*launch.getSlots())[i]).getValue() : "0";
    if (slot == "all") {
      argument["all"] = true;
      arguments.push_back(std::move(argument));
      continue;
    }
    bool isLayer = slot.consume_front("layer");
    int64_t number = 0;
    slot.consume_front("+");
    if ((!isLayer || !slot.empty()) && slot.getAsInteger(10, number))
      return launch.emitOpError() << "slot of operand " << i
                                  << " must be a number, layer, layer±number or all";
    if (isLayer)
      argument["layer"] = 1;
    if (number != 0)
      argument[isLayer ? "plus" : "slot"] = number;
    arguments.push_back(std::move(argument));
  }
  return json::Object{{"launch", kernel->second}, {"args", std::move(arguments)}};
}

FailureOr<json::Array> ManifestWriter::commands(Block &block) {
  json::Array array;
  for (Operation &op : block) {
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      FailureOr<json::Object> command = describe(launch);
      if (failed(command))
        return failure();
      array.push_back(std::move(*command));
    } else if (auto layers = dyn_cast<LayersOp>(op)) {
      FailureOr<json::Array> body = commands(layers.getBody().front());
      if (failed(body))
        return failure();
      // The manifest's `to` is exclusive upward, inclusive downward.
      int64_t step = layers.getStep(), last = layers.getLast();
      array.push_back(json::Object{{"layers", json::Object{{"from", int64_t(layers.getFirst())},
                                                           {"to", step > 0 ? last + 1 : last},
                                                           {"step", step}}},
                                   {"body", std::move(*body)}});
    } else if (auto chunks = dyn_cast<ChunksOp>(op)) {
      FailureOr<json::Array> body = commands(chunks.getBody().front());
      if (failed(body))
        return failure();
      array.push_back(json::Object{{"chunks", "counted_rows"}, {"body", std::move(*body)}});
    } else {
      return op.emitOpError("has no place in a section");
    }
  }
  return array;
}

LogicalResult ManifestWriter::addParts(BufferOp buffer, json::Array &parameters) {
  auto parts = buffer->getAttrOfType<ArrayAttr>("parts");
  if (!parts)
    return success();
  for (Attribute attr : parts) {
    auto part = dyn_cast<DictionaryAttr>(attr);
    for (StringRef key : {"name", "offset", "shape", "strides"})
      if (!part || !part.get(key))
        return buffer.emitOpError() << "has a part without '" << key << "'";
    parameters.push_back(json::Object{{"name", toJson(part.get("name"))},
                                      {"buffer", buffers[buffer]},
                                      {"offset", toJson(part.get("offset"))},
                                      {"shape", toJson(part.get("shape"))},
                                      {"strides", toJson(part.get("strides"))}});
  }
  return success();
}

FailureOr<json::Object> ManifestWriter::build() {
  json::Array bufferList, kernelList, sections, parameters;
  for (auto [op, number] : buffers) {
    auto buffer = cast<BufferOp>(op);
    json::Object object = describe(buffer);
    if (auto of = buffer.getOf()) {
      auto parameter = bufferByName.find(*of);
      if (parameter == bufferByName.end())
        return buffer.emitOpError() << "belongs to no buffer: '" << *of << "'";
      object["of"] = parameter->second;
    }
    bufferList.push_back(std::move(object));
    if (buffer.getRole() == "parameter" && failed(addParts(buffer, parameters)))
      return failure();
  }
  for (auto [kernel, number] : kernels)
    kernelList.push_back(isa<KernelOp>(kernel) ? describe(cast<KernelOp>(kernel))
                                               : describe(cast<JoinedKernelOp>(kernel)));
  for (auto section : program.getBody().front().getOps<SectionOp>()) {
    FailureOr<json::Array> list = commands(section.getBody().front());
    if (failed(list))
      return failure();
    sections.push_back(json::Object{{"name", section.getName()}, {"commands", std::move(*list)}});
  }
  json::Object manifest{{"format", 3},
                        {"compiler", "mlora-opt (LLVM " LLVM_VERSION_STRING ")"},
                        {"cpu", mlir::mlora::getTargetCPU()},
                        {"arena", program.getArena() ? toJson(*program.getArena()) : json::Object()},
                        {"buffers", std::move(bufferList)},
                        {"kernels", std::move(kernelList)},
                        {"sections", std::move(sections)},
                        {"parameters", std::move(parameters)}};
  if (auto rows = program.getChunkRows())
    manifest["chunk_rows"] = int64_t(*rows);
  auto kind = module->getAttrOfType<StringAttr>("mlora.kind");
  manifest["kind"] = kind ? kind.getValue() : program.getSymName();
  if (Attribute model = module->getAttr("mlora.model"))
    manifest["model"] = toJson(model);
  return manifest;
}

//===- Bundle ---------------------------------------------------------------------===//

LogicalResult WriteBundle::writeFile(StringRef name, llvm::function_ref<void(raw_ostream &)> print) {
  std::error_code error;
  llvm::raw_fd_ostream file(inFolder(name), error);
  if (!error) {
    print(file);
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error)
    return getOperation().emitError() << "cannot write " << inFolder(name) << ": " << error.message();
  return success();
}

/// The copy's kernels are lowered already; blocks of a launch share a pool's scratch.
LogicalResult WriteBundle::compileForCPU(ModuleOp kernels, json::Object &manifest) {
  int64_t scratch = 0;
  for (Operation &op : *kernels.getBody())
    if (auto bytes = op.getAttrOfType<IntegerAttr>("mlora.scratch_bytes"))
      scratch = std::max(scratch, bytes.getInt());
  manifest["scratch_bytes"] = scratch;
  if (failed(mlir::mlora::emitSharedObject(kernels, inFolder("program.so"))))
    return failure();
  return nameCode("shared_object", "program.so", manifest);
}

/// Each kernel says what its launch needs, which is its schedule's choice: not even the grid is that of the
/// kernel it was made of.
static void describeLaunches(gpu::GPUModuleOp kernels, json::Object &manifest) {
  llvm::StringMap<LLVM::LLVMFuncOp> functions;
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>())
    functions[function.getSymName()] = function;
  for (json::Value &value : *manifest.getArray("kernels")) {
    json::Object &kernel = *value.getAsObject();
    if (kernel.get("library"))
      continue;
    LLVM::LLVMFuncOp function = functions.lookup(*kernel.getString("symbol"));
    for (StringRef name : {"shared_bytes", "scratch_bytes"})
      kernel[name] = function->getAttrOfType<IntegerAttr>(("mlora." + name).str()).getInt();
    kernel["threads"] = function->getAttrOfType<DenseI32ArrayAttr>("gpu.known_block_size")[0];
    kernel["grid"] = describeGrid(function->getAttrOfType<ArrayAttr>("mlora.grid"));
    kernel["schedule"] = function->getAttrOfType<StringAttr>("mlora.schedule").getValue();
    if (auto maps = function->getAttrOfType<ArrayAttr>("mlora.tensor_maps"))
      kernel["tensor_maps"] = toJson(maps);
  }
  manifest["scratch_bytes"] = 0;
}

/// The module has constants, and its operations' names for messages.
LogicalResult WriteBundle::compileForEmulator(gpu::GPUModuleOp kernels, json::Object &manifest) {
  FailureOr<EmulatedModule> emulated = rewriteForEmulator(kernels);
  if (failed(emulated))
    return failure();
  json::Array sites, constants;
  for (const ::mlora::emulator::Site &site : emulated->sites)
    sites.push_back(json::Array{site.operation, site.location});
  for (const EmulatedGlobal &global : emulated->globals)
    constants.push_back(
        json::Object{{"name", global.name},
                     {"bytes", llvm::toHex(StringRef(global.bytes.data(), global.bytes.size()), true)}});
  manifest["emulator"] = json::Object{{"static_shared_bytes", int64_t(emulated->staticSharedBytes)},
                                      {"constants", std::move(constants)},
                                      {"sites", std::move(sites)}};
  if (failed(mlir::mlora::emitSharedObject(*emulated->program, inFolder("program.so"))))
    return failure();
  return nameCode("shared_object", "program.so", manifest);
}

/// PTX for the chip that the module names.
LogicalResult WriteBundle::compileForCUDA(gpu::GPUModuleOp kernels, json::Object &manifest) {
  ModuleOp module = getOperation();
  auto name = module->getAttrOfType<StringAttr>("mlora.chip");
  const Chip *chip = name ? findChip(name.getValue()) : nullptr;
  if (!chip)
    return module.emitError() << "target=cuda needs the attribute mlora.chip, one of " << chipNames();
  FailureOr<std::string> ptx = emitPTX(kernels, *chip);
  if (failed(ptx) || failed(writeFile("program.ptx", [&](raw_ostream &file) { file << *ptx; })))
    return failure();
  for (json::Value &kernel : *manifest.getArray("kernels"))
    if (auto symbol = kernel.getAsObject()->getString("symbol"))
      (*kernel.getAsObject())["symbol"] = ptxName(*symbol);
  return nameCode("ptx", "program.ptx", manifest);
}

LogicalResult WriteBundle::nameCode(StringRef key, StringRef file, json::Object &manifest) {
  manifest[key] = file;
  try {
    manifest[(key + "_xxh3").str()] = ::mlora::hashFileHex(inFolder(file));
  } catch (const std::exception &error) {
    return getOperation().emitError(error.what());
  }
  return success();
}

LogicalResult WriteBundle::compileKernels(json::Object &manifest) {
  ModuleOp module = getOperation();
  // A pipeline can only run on what is below: the copy stands inside for the while.
  auto copy = cast<ModuleOp>(module->clone());
  for (auto program : llvm::make_early_inc_range(copy.getOps<ProgramOp>()))
    program.erase();
  OpBuilder::atBlockEnd(module.getBody()).insert(copy);
  OpPassManager passes("builtin.module");
  bool isCPU = target == "cpu";
  isCPU ? buildToCPUPipeline(passes) : buildToGPUPipeline(passes);
  LogicalResult status = runPipeline(passes, copy);
  if (succeeded(status)) {
    copy->remove();
    if (isCPU) {
      status = compileForCPU(copy, manifest);
    } else {
      auto kernels = *copy.getOps<gpu::GPUModuleOp>().begin();
      describeLaunches(kernels, manifest);
      status = target == "cuda" ? compileForCUDA(kernels, manifest) : compileForEmulator(kernels, manifest);
    }
  }
  copy.erase();
  return status;
}

LogicalResult WriteBundle::write() {
  ModuleOp module = getOperation();
  if (target != "cpu" && target != "emulate" && target != "cuda")
    return module.emitError() << "no bundle for target '" << target << "'; expected cpu, cuda or emulate";
  SmallVector<ProgramOp> programs(module.getOps<ProgramOp>());
  if (programs.size() != 1)
    return module.emitError() << "must hold one mlora.program, has " << programs.size();
  ManifestWriter writer(module, programs.front());
  if (failed(writer.collect()))
    return failure();
  FailureOr<json::Object> manifest = writer.build();
  if (failed(manifest))
    return failure();
  if (!request.empty()) {
    auto text = llvm::MemoryBuffer::getFile(request);
    if (!text)
      return module.emitError() << "cannot read " << request << ": " << text.getError().message();
    llvm::Expected<json::Value> value = json::parse((*text)->getBuffer());
    if (!value)
      return module.emitError() << request << ": " << llvm::toString(value.takeError());
    (*manifest)["request"] = std::move(*value);
  }
  if (failed(writeFile("program.mlir", [&](raw_ostream &file) {
        module.print(file, OpPrintingFlags().printNameLocAsPrefix());
      })))
    return failure();
  (*manifest)["target"] = target;
  if (auto chip = module->getAttrOfType<StringAttr>("mlora.chip"); chip && target != "cpu")
    (*manifest)["chip"] = chip.getValue();
  if (failed(compileKernels(*manifest)))
    return failure();
  // Last: a folder with a manifest is complete.
  return writeFile("manifest.json", [&](raw_ostream &file) {
    file << llvm::formatv("{0:1}\n", json::Value(std::move(*manifest)));
  });
}
