#include "mlora/Runtime/Program/Parameters.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/BlockFormats.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <algorithm>
#include <cstring>

namespace mlora {
namespace {

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text.empty() ? "[]" : text + "]";
}

const TensorInfo &findTensor(const Checkpoint &checkpoint, const std::string &name) {
  for (const TensorInfo &tensor : checkpoint.tensors())
    if (tensor.name == name)
      return tensor;
  badInput(checkpoint.path().string() + ": has no tensor " + name + ", which the program needs");
}

void checkShape(const Checkpoint &checkpoint, const TensorInfo &tensor,
                const std::vector<int64_t> &expected) {
  if (tensor.shape != expected)
    badInput(checkpoint.path().string() + ": tensor " + tensor.name + " has shape " +
             shapeText(tensor.shape) + ", the program was compiled for " + shapeText(expected));
}

/// Calls visit(offset in the slot, offset in row-major order, length) for each innermost row of a view.
template <typename Visit> void eachRow(const ParameterView &view, Visit visit) {
  size_t rank = view.shape.size();
  int64_t length = rank ? view.shape.back() : 1;
  std::vector<int64_t> index(rank ? rank - 1 : 0, 0);
  int64_t row = 0;
  while (true) {
    int64_t offset = view.offset;
    for (size_t i = 0; i < index.size(); ++i)
      offset += index[i] * view.strides[i];
    visit(offset, row++ * length, length);
    size_t i = index.size();
    while (i > 0 && ++index[i - 1] == view.shape[i - 1])
      index[--i] = 0;
    if (i == 0)
      return;
  }
}

int64_t innerStride(const ParameterView &view) { return view.strides.empty() ? 1 : view.strides.back(); }

/// A weight's tensor in its buffer: a block of rows and columns of it.
struct Block {
  const TensorInfo &tensor;
  int64_t row, column, rows, columns;
};

/// Rows [first, first + rows) of a tensor of the checkpoint; all of them at once where they are asked for.
void readRows(const Checkpoint &checkpoint, const Block &block, int64_t first, int64_t rows,
              std::span<float> to) {
  if (first == 0 && rows == block.rows)
    return checkpoint.read(block.tensor.name, to);
  checkpoint.readRows(block.tensor.name, first, rows, to);
}

/// Rows [begin, end) of a block into memory that holds rows from `first` on of a buffer with `width` columns.
/// What is there as f32 beside it is a piece of them.
template <typename Element>
void readBlock(const Checkpoint &checkpoint, const Block &block, int64_t begin, int64_t end, Element *to,
               int64_t first, int64_t width) {
  if constexpr (std::is_same_v<Element, float>)
    if (block.columns == width)
      return readRows(checkpoint, block, begin, end - begin,
                      {to + (block.row + begin - first) * width, size_t((end - begin) * width)});
  constexpr int64_t pieceElements = int64_t(1) << 20;
  int64_t pieceRows = std::max<int64_t>(1, pieceElements / std::max<int64_t>(block.columns, 1));
  std::vector<float> piece;
  for (int64_t row = begin; row < end; row += pieceRows) {
    int64_t some = std::min(pieceRows, end - row);
    piece.resize(size_t(some * block.columns));
    readRows(checkpoint, block, row, some, piece);
    for (int64_t i = 0; i < some; ++i) {
      const float *from = piece.data() + i * block.columns;
      Element *out = to + (block.row + row + i - first) * width + block.column;
      if constexpr (std::is_same_v<Element, float>)
        std::copy_n(from, block.columns, out);
      else
        floatsToBfloats(from, block.columns, out);
    }
  }
}

/// A weight that stays in its file's blocks. Where layers differ in format its memory is written as one piece: rows of
/// the layer's own, and which they are of.
void writeBlocks(Program &program, int number, int64_t slot, const Checkpoint &checkpoint) {
  const Buffer &buffer = program.manifest().buffers[size_t(number)];
  BlockLayout layout = *BlockLayout::find(buffer.format);
  std::string name = layerName(buffer.tensors[0].name, slot);
  const TensorInfo &tensor = findTensor(checkpoint, name);
  int64_t memoryRows = buffer.staticShape()[0], memoryRowBytes = buffer.staticShape()[1],
          rows = memoryRows - (layout.isMixed() ? 1 : 0), columns = *layout.columns(memoryRowBytes);
  checkShape(checkpoint, tensor, {rows, columns});
  std::optional<uint8_t> which = layout.numberOf(tensor.dtype);
  if (!which)
    badInput(checkpoint.path().string() + ": tensor " + name + " is stored as " + tensor.dtype +
             ", the program was compiled for " + blockFormatText(buffer.format));
  const BlockFormat &format = *layout.formats[*which];
  int64_t rowBytes = columns / format.values * format.bytes;
  program.write(number, slot, layout.isMixed() ? memoryRows * memoryRowBytes : rowBytes,
                [&](std::byte *to, int64_t begin, int64_t bytes) {
                  int64_t some = layout.isMixed() ? rows : bytes / rowBytes;
                  checkpoint.readBlocks(name, layout.isMixed() ? 0 : begin / rowBytes, some,
                                        {reinterpret_cast<uint8_t *>(to), size_t(some * rowBytes)});
                  if (layout.isMixed())
                    to[rows * memoryRowBytes] = std::byte(*which);
                });
}

void writeWeight(Program &program, int number, int64_t slot, const Checkpoint &checkpoint) {
  const Buffer &buffer = program.manifest().buffers[size_t(number)];
  if (buffer.type == ElementType::I8)
    return writeBlocks(program, number, slot, checkpoint);
  std::vector<int64_t> shape = buffer.staticShape();
  int64_t rows = shape.size() < 2 ? 1 : shape[0];
  int64_t columns = buffer.elements({}) / std::max<int64_t>(rows, 1),
          rowBytes = columns * bytesOf(buffer.type);
  std::vector<Block> blocks;
  int64_t covered = 0;
  for (const ParameterView &part : buffer.tensors) {
    const TensorInfo &tensor = findTensor(checkpoint, layerName(part.name, slot));
    checkShape(checkpoint, tensor, part.shape);
    if (part.strides.empty() || part.strides.back() != 1 ||
        (part.shape.size() > 1 && part.strides[0] != columns))
      failed("the program's weight " + buffer.name + " does not hold " + tensor.name + " by rows");
    blocks.push_back({tensor, part.offset / columns, part.offset % columns,
                      part.shape.size() < 2 ? 1 : part.shape[0], part.shape.back()});
    covered += blocks.back().rows * blocks.back().columns;
  }
  program.write(number, slot, rowBytes, [&](std::byte *to, int64_t begin, int64_t bytes) {
    int64_t first = begin / rowBytes, last = first + bytes / rowBytes;
    if (covered < rows * columns) // beside tensors lie factors and padding
      std::memset(to, 0, size_t(bytes));
    for (const Block &block : blocks) {
      int64_t from = std::max<int64_t>(first - block.row, 0), end = std::min(last - block.row, block.rows);
      if (from >= end)
        continue;
      if (buffer.type == ElementType::F32)
        readBlock(checkpoint, block, from, end, reinterpret_cast<float *>(to), first, columns);
      else
        readBlock(checkpoint, block, from, end, reinterpret_cast<uint16_t *>(to), first, columns);
    }
  });
}

} // namespace

void loadWeights(Program &program, const Checkpoint &checkpoint) {
  const Manifest &manifest = program.manifest();
  for (size_t i = 0; i < manifest.buffers.size(); ++i)
    if (manifest.buffers[i].role == Role::Weight && !program.isBorrowed(int(i)))
      for (int64_t slot = 0; slot < manifest.buffers[i].slots; ++slot)
        writeWeight(program, int(i), slot, checkpoint);
}

int64_t ParameterTensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Parameters::Parameters(Program &program) : program(program) {
  const Manifest &manifest = program.manifest();
  int64_t slots = 0;
  for (const ParameterView &view : manifest.parameters)
    slots = std::max(slots, manifest.buffers[size_t(view.buffer)].slots);
  for (int64_t slot = 0; slot < slots; ++slot)
    for (const ParameterView &view : manifest.parameters)
      if (slot < manifest.buffers[size_t(view.buffer)].slots)
        list.push_back({layerName(view.name, slot), view.shape, &view, slot});
  for (size_t i = 0; i < list.size(); ++i)
    if (!byName.emplace(list[i].name, i).second)
      failed("the program's parameters hold " + list[i].name + " twice");
}

const ParameterTensor *Parameters::find(const std::string &name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &list[found->second];
}

int64_t Parameters::elements() const {
  int64_t count = 0;
  for (const ParameterTensor &tensor : list)
    count += tensor.elements();
  return count;
}

int Parameters::bufferOf(const ParameterTensor &tensor, ParameterPart part) const {
  int buffer = tensor.view->buffer;
  if (part != ParameterPart::Value) {
    Role role = part == ParameterPart::Moment1   ? Role::Moment1
                : part == ParameterPart::Moment2 ? Role::Moment2
                                                 : Role::Gradient;
    const std::vector<Buffer> &buffers = program.manifest().buffers;
    auto found = std::find_if(buffers.begin(), buffers.end(), [&](const Buffer &candidate) {
      return candidate.role == role && candidate.of == buffer;
    });
    if (found == buffers.end())
      failed("the program keeps no " + std::string(roleName(role)) + " of " + tensor.name);
    buffer = int(found - buffers.begin());
  }
  return buffer;
}

/// Row-major, with nothing between its elements.
static bool isDense(const ParameterView &view) {
  int64_t stride = 1;
  for (size_t i = view.shape.size(); i-- > 0; stride *= view.shape[i])
    if (view.strides[i] != stride && view.shape[i] > 1)
      return false;
  return true;
}

/// From a view's first element to behind its last one, in elements of its slot.
static std::pair<int64_t, int64_t> rangeOf(const ParameterView &view) {
  int64_t last = view.offset;
  for (size_t i = 0; i < view.shape.size(); ++i)
    last += (view.shape[i] - 1) * view.strides[i];
  return {view.offset, last + 1};
}

void Parameters::write(const ParameterTensor &tensor, ParameterPart part, std::span<const float> values) {
  if (int64_t(values.size()) != tensor.elements())
    failed("tensor " + tensor.name + " has " + std::to_string(tensor.elements()) + " elements, not " +
           std::to_string(values.size()));
  int buffer = bufferOf(tensor, part);
  auto [first, end] = rangeOf(*tensor.view);
  if (isDense(*tensor.view))
    return program.write(buffer, tensor.slot, first, values);
  std::vector<float> slot(size_t(end - first));
  if (int64_t(slot.size()) != tensor.elements()) // other tensors' elements between ours stay
    program.read(buffer, tensor.slot, first, slot);
  int64_t stride = innerStride(*tensor.view);
  eachRow(*tensor.view, [&, first = first](int64_t offset, int64_t from, int64_t length) {
    for (int64_t i = 0; i < length; ++i)
      slot[size_t(offset - first + i * stride)] = values[size_t(from + i)];
  });
  program.write(buffer, tensor.slot, first, slot);
}

std::vector<float> Parameters::read(const ParameterTensor &tensor, ParameterPart part) const {
  int buffer = bufferOf(tensor, part);
  auto [first, end] = rangeOf(*tensor.view);
  std::vector<float> values(size_t(tensor.elements()));
  if (isDense(*tensor.view)) {
    program.read(buffer, tensor.slot, first, values);
    return values;
  }
  std::vector<float> slot(size_t(end - first));
  program.read(buffer, tensor.slot, first, slot);
  int64_t stride = innerStride(*tensor.view);
  eachRow(*tensor.view, [&, first = first](int64_t offset, int64_t to, int64_t length) {
    for (int64_t i = 0; i < length; ++i)
      values[size_t(to + i)] = slot[size_t(offset - first + i * stride)];
  });
  return values;
}

void Parameters::load(const Checkpoint &checkpoint) {
  std::vector<float> values;
  for (const ParameterTensor &tensor : list) {
    checkShape(checkpoint, findTensor(checkpoint, tensor.name), tensor.shape);
    values.resize(size_t(tensor.elements()));
    checkpoint.read(tensor.name, values);
    write(tensor, ParameterPart::Value, values);
  }
}

} // namespace mlora
