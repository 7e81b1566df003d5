//===- JoinLaunches.cpp - launches that do not depend on each other become one -----===//

#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Touches.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_JOINLAUNCHES
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A launch, made for each of some layers.
struct Member {
  LaunchOp launch;
  KernelOp kernel;
  int64_t layers;
};

class Joiner {
public:
  explicit Joiner(ModuleOp module) : module(module), symbols(module) {}
  void run();

private:
  std::optional<SmallVector<Member>> membersOf(Operation &command);
  std::optional<Member> memberOf(LaunchOp launch, int64_t layers);
  bool accept(ArrayRef<Member> more);
  void flush(SectionOp section);
  void join(SectionOp section);

  ModuleOp module;
  SymbolTable symbols;
  // What is to be one launch.
  SmallVector<Operation *> commands;
  SmallVector<Member> members;
  LaunchesAtOnce atOnce;
};

} // namespace

static StringRef slotOf(LaunchOp launch, unsigned operand) {
  return cast<StringAttr>((*launch.getSlots())[operand]).getValue();
}

/// The buffer's tensor in each of its slots, one behind another.
static MemRefType typeOfAllSlots(BufferOp buffer) {
  auto type = cast<MemRefType>(buffer.getMemory().getType());
  SmallVector<int64_t> shape{int64_t(buffer.getSlots())}, strides = computeStrides(type.getShape());
  llvm::append_range(shape, type.getShape());
  auto bytes = buffer->getAttrOfType<IntegerAttr>("slot_bytes").getInt();
  int64_t apart = bytes / llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (apart == type.getNumElements())
    return MemRefType::get(shape, type.getElementType());
  strides.insert(strides.begin(), apart);
  return MemRefType::get(shape, type.getElementType(), StridedLayoutAttr::get(type.getContext(), 0, strides));
}

/// Nothing of it is known at run time only, and it touches slots of its layer, or some that have a number.
std::optional<Member> Joiner::memberOf(LaunchOp launch, int64_t layers) {
  auto kernel = symbols.lookup<KernelOp>(launch.getKernel());
  if (!kernel || kernel->hasAttr("library") || !launch.getSlots())
    return std::nullopt;
  for (const KernelOp::GridDimension &dimension : kernel.getGridDimensions())
    if (!dimension.extent.empty())
      return std::nullopt;
  for (auto [i, operand] : llvm::enumerate(launch.getOperands_())) {
    auto buffer = operand.getDefiningOp<BufferOp>();
    StringRef slot = slotOf(launch, i);
    int64_t number;
    bool isOwn =
        slot == "layer" && buffer && int64_t(buffer.getSlots()) == layers && buffer->hasAttr("slot_bytes");
    if (!buffer || !cast<MemRefType>(buffer.getMemory().getType()).hasStaticShape() ||
        buffer.getRole() == "temporary" || (!isOwn && slot.getAsInteger(10, number)))
      return std::nullopt;
  }
  return Member{launch, kernel, layers};
}

/// The launches of a command; none where they have to stay.
std::optional<SmallVector<Member>> Joiner::membersOf(Operation &command) {
  SmallVector<Member> found;
  auto add = [&](LaunchOp launch, int64_t layers) {
    std::optional<Member> member = memberOf(launch, layers);
    if (member)
      found.push_back(*member);
    return member.has_value();
  };
  if (auto launch = dyn_cast<LaunchOp>(command))
    return add(launch, 1) ? std::optional(found) : std::nullopt;
  auto loop = dyn_cast<LayersOp>(command);
  int64_t first = loop ? loop.getFirst() : 0, last = loop ? loop.getLast() : 0,
          step = loop ? loop.getStep() : 0;
  bool isWhole = (step == 1 && first == 0) || (step == -1 && last == 0);
  if (!isWhole)
    return std::nullopt;
  for (Operation &op : loop.getBody().front()) {
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch || !add(launch, std::max(first, last) + 1))
      return std::nullopt;
  }
  return found;
}

/// Whether they may run at once with each other and with what is there.
bool Joiner::accept(ArrayRef<Member> more) {
  LaunchesAtOnce trial = atOnce;
  for (Member member : more) {
    llvm::BitVector perLayer(member.launch.getOperands_().size());
    for (unsigned i = 0; i < perLayer.size(); ++i)
      perLayer[i] = slotOf(member.launch, i) == "layer";
    if (trial.add(member.kernel, member.launch.getOperands_(), perLayer, member.layers))
      return false;
  }
  atOnce = std::move(trial);
  return true;
}

/// One joined kernel of all members, and its launch in their place.
void Joiner::join(SectionOp section) {
  OpBuilder builder(section->getParentOp());
  auto joined = JoinedKernelOp::create(builder, module.getLoc(), ("joined." + section.getName()).str());
  symbols.insert(joined);
  Block *body = builder.createBlock(&joined.getBody());
  llvm::MapVector<std::pair<Value, StringRef>, Value> arguments; // a buffer and its slot
  llvm::StringSet<> held;
  for (Member member : members) {
    SmallVector<Value> buffers;
    for (auto [i, operand] : llvm::enumerate(member.launch.getOperands_())) {
      auto buffer = operand.getDefiningOp<BufferOp>();
      StringRef slot = slotOf(member.launch, i) == "layer" ? "all" : slotOf(member.launch, i);
      Value &argument = arguments[{operand, slot}];
      if (!argument)
        argument =
            body->addArgument(slot == "all" ? typeOfAllSlots(buffer) : cast<MemRefType>(operand.getType()),
                              withName(module.getLoc(), shortName(buffer)));
      buffers.push_back(argument);
    }
    builder.setInsertionPointToEnd(body);
    PartOp::create(builder, withoutNames(member.launch.getLoc()), member.launch.getKernel(), buffers,
                   member.layers);
    if (held.insert(member.launch.getKernel()).second)
      builder.clone(*member.kernel);
  }
  SmallVector<Value> operands;
  SmallVector<Attribute> slots;
  for (auto &[place, argument] : arguments) {
    operands.push_back(place.first);
    slots.push_back(builder.getStringAttr(place.second));
  }
  builder.setInsertionPoint(commands.front());
  LaunchOp::create(builder, module.getLoc(), TypeRange(), joined.getSymName(), operands,
                   builder.getArrayAttr(slots));
  for (Operation *command : commands)
    command->erase();
}

void Joiner::flush(SectionOp section) {
  bool isOneAlready = commands.size() == 1 && isa<LaunchOp>(commands.front());
  if (!commands.empty() && !isOneAlready)
    join(section);
  commands.clear();
  members.clear();
  atOnce = LaunchesAtOnce();
}

void Joiner::run() {
  for (auto program : module.getOps<ProgramOp>())
    for (auto section : program.getBody().front().getOps<SectionOp>()) {
      for (Operation &command : llvm::make_early_inc_range(section.getBody().front())) {
        std::optional<SmallVector<Member>> more = membersOf(command);
        bool fits = more && accept(*more);
        if (!fits) {
          flush(section);
          fits = more && accept(*more); // launches of a loop may depend on each other
        }
        if (!fits)
          continue;
        commands.push_back(&command);
        llvm::append_range(members, *more);
      }
      flush(section);
    }
  // Kernels that were joined and are launched nowhere else.
  llvm::StringSet<> launched, joined;
  module.walk([&](LaunchOp launch) { launched.insert(launch.getKernel()); });
  module.walk([&](PartOp part) { joined.insert(part.getKernel()); });
  for (auto kernel : llvm::make_early_inc_range(module.getOps<KernelOp>()))
    if (joined.contains(kernel.getSymName()) && !launched.contains(kernel.getSymName()))
      kernel.erase();
}

namespace {
struct JoinLaunches : mlir::mlora::impl::JoinLaunchesBase<JoinLaunches> {
  void runOnOperation() override { Joiner(getOperation()).run(); }
};
} // namespace
