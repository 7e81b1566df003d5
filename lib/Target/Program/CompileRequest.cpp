//===- CompileRequest.cpp - from request.json to a bundle ---------------------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Program/Layout.h"
#include "mlora/Runtime/Program/Scalars.h"
#include "mlora/Target/Program.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::mlora;

/// request.json: what is to be compiled, and the bytes that its arena may take at a capacity (0: no limit;
/// the program is then the same for every capacity). What `offload` moves to the host's memory is no part of it.
struct Request {
  ProgramKind kind = ProgramKind::Train;
  ProgramOptions options;
  int64_t memoryBudget = 0;
  ::mlora::Scalars capacity;
  ::mlora::Offload offload;
};

static void readRequest(const std::string &path, Request &request) {
  ProgramOptions &options = request.options;
  nlohmann::json json = ::mlora::readJsonFile(path);
  ::mlora::JsonFields fields(json, path);
  std::string target = fields.string("target");
  if (target != "cpu" && target != "emulate" && target != "cuda")
    fields.refuse("target", "this compiler has only the targets cpu, cuda and emulate");
  options.target = target == "cpu"    ? ProgramTarget::CPU
                   : target == "cuda" ? ProgramTarget::CUDA
                                      : ProgramTarget::Emulate;
  options.chip = fields.optionalString("chip").value_or("");
  std::string dtype = fields.optionalString("dtype").value_or("f32");
  if (dtype != "f32" && dtype != "bf16")
    fields.refuse("dtype", "must be f32 or bf16");
  options.dtype = dtype == "bf16" ? ProgramType::BF16 : ProgramType::F32;
  options.config = fields.string("model");
  std::string kind = fields.string("kind");
  if (kind != "train" && kind != "generate")
    fields.refuse("kind", "must be train or generate");
  request.kind = kind == "train" ? ProgramKind::Train : ProgramKind::Generate;
  if (fields.has("quantized"))
    for (const auto &[tensor, format] : fields.object("quantized").raw().items()) {
      if (!format.is_string())
        fields.refuse("quantized", "must give a format's name for each tensor");
      options.quantized.push_back(tensor + "=" + format.get<std::string>());
    }
  if (std::string why = whyNotBuilt(request.kind, options); !why.empty())
    fields.refuse(!options.quantized.empty()                                                  ? "quantized"
                  : options.dtype == ProgramType::BF16 && options.target == ProgramTarget::CPU ? "dtype"
                                                                                              : "chip",
                  why);
  options.method = fields.string("method");
  options.numBranches = fields.integer("num_branches");
  options.rank = fields.integer("lora_r");
  options.alpha = fields.number("lora_alpha");
  for (const std::string &target : fields.strings("targets"))
    options.targets.push_back(target);
  if (auto rows = fields.optionalInteger("chunk_rows")) {
    constexpr int64_t most = 1 << 16;
    if (*rows < kCapacityStep || *rows > most || *rows % kCapacityStep)
      fields.refuse("chunk_rows", "must be a multiple of " + std::to_string(kCapacityStep) + " up to " +
                                      std::to_string(most));
    options.chunkRows = *rows;
  }
  request.memoryBudget = fields.optionalInteger("memory_budget").value_or(0);
  if (request.memoryBudget <= 0)
    return;
  ::mlora::JsonFields capacity = fields.object("capacity");
  auto rows = [&](const char *extent) {
    constexpr int64_t most = int64_t(1) << 31;
    int64_t value = capacity.integer(extent);
    if (value < 1 || value > most)
      capacity.refuse(extent, "must be between 1 and " + std::to_string(most));
    return value;
  };
  request.capacity.rows = rows("rows");
  request.capacity.countedRows = rows("counted_rows");
  request.capacity.kvRows = rows("kv_rows");
  std::string offload = fields.optionalString("offload").value_or("none");
  if (offload != "none" && offload != "optimizer" && offload != "base" && offload != "all")
    fields.refuse("offload", "must be none, optimizer, base or all");
  if (offload != "none" && options.target == ProgramTarget::CPU)
    fields.refuse("offload", "is for a GPU's programs; with the target cpu all memory is the host's");
  request.offload = ::mlora::Offload::of(offload);
}

static OwningOpRef<ModuleOp> planProgram(MLIRContext &context, const Request &request) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  PassManager passes(&context);
  buildProgramPipeline(passes, request.kind, request.options);
  return succeeded(passes.run(*module)) ? std::move(module) : OwningOpRef<ModuleOp>();
}

//===- memory_budget ----------------------------------------------------------------===//

/// The smallest limit on what a layer keeps of a row: nothing is (0 is no limit).
static constexpr int64_t kLeastKept = 1;

static ProgramOp programOf(ModuleOp module) { return *module.getOps<ProgramOp>().begin(); }

/// Bytes of what lives inside a loop over chunks.
static int64_t chunkBytes(ProgramOp program, int64_t countedRows) {
  int64_t rows = std::min<int64_t>(program.getChunkRows().value_or(0), countedRows);
  return program.getArenaBytes(kChunkRegion) * ::mlora::roundedCapacity(rows);
}

/// Whether the runtime keeps a buffer in the host's memory (Layout): moments; weights of which every tensor is a
/// layer's.
static bool isOffloaded(BufferOp buffer, ::mlora::Offload offload) {
  if (buffer.getPlace())
    return false;
  if (buffer.getRole() == "moment1" || buffer.getRole() == "moment2")
    return offload.optimizer;
  if (buffer.getRole() != "weight" || !offload.base || buffer->hasAttr("packed"))
    return false;
  auto isLayers = [](StringRef tensor) { return tensor.contains("{layer}"); };
  if (auto parts = buffer->getAttrOfType<ArrayAttr>("parts"))
    return llvm::all_of(parts.getAsRange<DictionaryAttr>(),
                        [&](DictionaryAttr part) { return isLayers(part.getAs<StringAttr>("name")); });
  return buffer.getTensor() && isLayers(*buffer.getTensor());
}

static int64_t slotBytesOf(BufferOp buffer) {
  return buffer->getAttrOfType<IntegerAttr>("slot_bytes").getInt();
}

/// Bytes of the arena's fixed region, as Layout has it: without what is offloaded, but with the rings of a few
/// layers through which kernels see weights.
static int64_t fixedArena(ProgramOp program, const Request &request) {
  constexpr int64_t alignment = 64;
  int64_t planned = program.getArenaBytes(""), bytes = planned, rings = 0;
  for (auto buffer : program.getBody().front().getOps<BufferOp>()) {
    if (!isOffloaded(buffer, request.offload))
      continue;
    int64_t slots = buffer.getSlots(), each = slotBytesOf(buffer), offset = *buffer.getOffset();
    bytes -= std::min<int64_t>(llvm::alignTo(offset + slots * each, alignment), planned) - offset;
    if (buffer.getRole() == "weight")
      rings += llvm::alignTo(std::min(slots, ::mlora::Layout::ringSlots) * each, alignment);
  }
  return bytes == planned ? planned : llvm::alignTo(bytes, alignment) + rings;
}

static int64_t arenaOf(ModuleOp module, const Request &request) {
  ProgramOp program = programOf(module);
  int64_t bytes = fixedArena(program, request) + chunkBytes(program, request.capacity.countedRows);
  for (auto [i, extent] : llvm::enumerate(kExtentNames))
    bytes += program.getArenaBytes(extent) * ::mlora::roundedCapacity(request.capacity[int(i)]);
  return bytes;
}

/// What a layer keeps of a token row for backward.
static int64_t residualBytesPerRow(ProgramOp program) {
  int64_t bytes = 0;
  for (auto buffer : program.getBody().front().getOps<BufferOp>())
    if (buffer.getRole() == "residual" && buffer.getName().starts_with("decoder_layer.") &&
        buffer.getExtent()) {
      auto type = cast<MemRefType>(buffer.getMemory().getType());
      bytes += type.getDimSize(1) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    }
  return bytes;
}

/// What is there whatever the number of rows: weights, adapters, the optimizer's state.
static int64_t fixedBytes(ProgramOp program, const Request &request) {
  int64_t bytes = fixedArena(program, request) - program.getArenaBytes("");
  for (auto buffer : program.getBody().front().getOps<BufferOp>())
    if (buffer.getRole() != "temporary" && !buffer.getExtent())
      bytes += slotBytesOf(buffer) * int64_t(buffer.getSlots());
  return bytes;
}

/// The most rows of a micro-batch with which a training program fits; 0: none. No more of them count than
/// there are, which matters where they are fewer than a chunk has.
static int64_t mostRows(ProgramOp program, const Request &request) {
  int64_t perRow = program.getArenaBytes("rows"), room = request.memoryBudget - fixedArena(program, request);
  auto fitting = [](int64_t room, int64_t perRow) {
    return perRow > 0 ? std::max<int64_t>(room / (perRow * kCapacityStep) * kCapacityStep, 0) : 0;
  };
  int64_t counted = request.capacity.countedRows;
  int64_t rows = fitting(room - chunkBytes(program, counted), perRow);
  int64_t chunk = std::min<int64_t>(program.getChunkRows().value_or(0), counted);
  return rows >= chunk ? rows : fitting(room, perRow + program.getArenaBytes(kChunkRegion));
}

/// Says what does not fit, and what would.
static void refuse(ModuleOp module, const Request &request) {
  auto mebibytes = [](int64_t bytes) {
    return bytes < 1 << 20 ? llvm::formatv("{0} bytes", bytes).str()
                           : llvm::formatv("{0:f1} MiB", double(bytes) / (1 << 20)).str();
  };
  ProgramOp program = programOf(module);
  int64_t arena = arenaOf(module, request), fixed = fixedBytes(program, request), budget = request.memoryBudget;
  std::string advice;
  if (request.kind == ProgramKind::Train) {
    int64_t rows = mostRows(program, request);
    advice = rows == 0 ? "; no number of rows fits"
                       : llvm::formatv(", or lower the rows of a micro-batch (max_length times "
                                       "per_device_train_batch_size) from {0} to {1}",
                                       request.capacity.rows, rows)
                             .str();
  }
  emitError(UnknownLoc::get(module.getContext()))
      << "memory_budget is " << mebibytes(budget) << ", but the program needs at least " << mebibytes(arena)
      << ", " << mebibytes(fixed) << " of it for weights, adapters and their state: raise memory_budget to "
      << llvm::divideCeil(arena, 1 << 20) << "MiB" << advice;
}

/// A program within the budget with as little computed again as that takes: what is too much in the arena is
/// taken from what every layer keeps of every row, until it fits or nothing is kept. Null with `status`
/// otherwise.
static OwningOpRef<ModuleOp> planWithinBudget(MLIRContext &context, Request &request, CompileStatus &status) {
  OwningOpRef<ModuleOp> module = planProgram(context, request), smallest;
  while (module && request.memoryBudget > 0 && arenaOf(*module, request) > request.memoryBudget) {
    int64_t excess = arenaOf(*module, request) - request.memoryBudget,
            kept = residualBytesPerRow(programOf(*module));
    if (!smallest || arenaOf(*module, request) < arenaOf(*smallest, request))
      smallest = std::move(module);
    if (request.kind != ProgramKind::Train || request.options.budget == kLeastKept) {
      refuse(*smallest, request);
      status = CompileStatus::BadRequest;
      return {};
    }
    int64_t layers = (*smallest)->getAttrOfType<IntegerAttr>("mlora.layers").getInt();
    int64_t rows = ::mlora::roundedCapacity(request.capacity.rows);
    request.options.budget = std::max<int64_t>(kLeastKept, kept - llvm::divideCeil(excess, layers * rows));
    module = planProgram(context, request);
  }
  status = module ? CompileStatus::Ok : CompileStatus::Failed;
  return module;
}

CompileStatus mlir::mlora::compileRequest(MLIRContext &context, StringRef path, StringRef folder) {
  Request request;
  try {
    readRequest(path.str(), request);
  } catch (const std::exception &error) {
    emitError(UnknownLoc::get(&context), error.what());
    return CompileStatus::BadRequest;
  }
  CompileStatus status;
  OwningOpRef<ModuleOp> module = planWithinBudget(context, request, status);
  if (!module)
    return status;
  PassManager passes(&context);
  WriteBundleOptions bundle;
  bundle.path = folder.str();
  bundle.request = path.str();
  bundle.target = request.options.target == ProgramTarget::CPU    ? "cpu"
                  : request.options.target == ProgramTarget::CUDA ? "cuda"
                                                                  : "emulate";
  passes.addPass(createWriteBundle(bundle));
  return succeeded(passes.run(*module)) ? CompileStatus::Ok : CompileStatus::Failed;
}
