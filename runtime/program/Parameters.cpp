#include "mlora/Runtime/Program/Parameters.h"

#include "mlora/Runtime/Core/Error.h"
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

/// A tensor of the checkpoint into its part of a weight's slot, in pieces: only one of them is there as f32.
template <typename Store>
void readPart(const Checkpoint &checkpoint, const std::string &name, const ParameterView &part, Store store) {
  checkShape(checkpoint, findTensor(checkpoint, name), part.shape);
  constexpr int64_t pieceElements = int64_t(1) << 20;
  bool isVector = part.shape.size() == 1;
  int64_t rows = isVector ? 1 : part.shape[0], columns = part.shape.back();
  int64_t piece = std::max<int64_t>(1, pieceElements / std::max<int64_t>(1, columns));
  std::vector<float> values;
  for (int64_t row = 0; row < rows; row += piece) {
    int64_t count = std::min(piece, rows - row);
    values.resize(size_t(count * columns));
    isVector ? checkpoint.read(name, values) : checkpoint.readRows(name, row, count, values);
    for (int64_t r = 0; r < count; ++r)
      store(values.data() + r * columns, columns, part.offset + (isVector ? 0 : (row + r) * part.strides[0]));
  }
}

} // namespace

void loadWeights(Program &program, const Checkpoint &checkpoint) {
  const Manifest &manifest = program.manifest();
  for (size_t i = 0; i < manifest.buffers.size(); ++i) {
    const Buffer &buffer = manifest.buffers[i];
    if (buffer.role != Role::Weight)
      continue;
    // Between several tensors lie factors and padding: zero.
    auto load = [&](auto slot, auto store) {
      if (buffer.tensors.size() > 1)
        std::ranges::fill(slot, 0);
      return [&, slot, store](const ParameterView &part, const std::string &name) {
        readPart(checkpoint, name, part, [&](const float *from, int64_t count, int64_t offset) {
          store(from, count, slot.data() + offset);
        });
      };
    };
    for (int64_t slot = 0; slot < buffer.slots; ++slot) {
      auto each = [&](auto read) {
        for (const ParameterView &part : buffer.tensors)
          read(part, layerName(part.name, slot));
      };
      if (buffer.type == ElementType::BF16)
        each(load(program.bfloatSlot(int(i), slot), floatsToBfloats));
      else
        each(load(program.slot(int(i), slot),
                  [](const float *from, int64_t count, float *to) { std::copy_n(from, count, to); }));
    }
  }
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

std::span<float> Parameters::slotOf(const ParameterTensor &tensor, ParameterPart part) const {
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
  return program.slot(buffer, tensor.slot);
}

void Parameters::write(const ParameterTensor &tensor, ParameterPart part, std::span<const float> values) {
  if (int64_t(values.size()) != tensor.elements())
    failed("tensor " + tensor.name + " has " + std::to_string(tensor.elements()) + " elements, not " +
           std::to_string(values.size()));
  float *slot = slotOf(tensor, part).data();
  int64_t stride = innerStride(*tensor.view);
  eachRow(*tensor.view, [&](int64_t offset, int64_t from, int64_t length) {
    for (int64_t i = 0; i < length; ++i)
      slot[offset + i * stride] = values[size_t(from + i)];
  });
}

std::vector<float> Parameters::read(const ParameterTensor &tensor, ParameterPart part) const {
  std::vector<float> values(size_t(tensor.elements()));
  const float *slot = slotOf(tensor, part).data();
  int64_t stride = innerStride(*tensor.view);
  eachRow(*tensor.view, [&](int64_t offset, int64_t to, int64_t length) {
    for (int64_t i = 0; i < length; ++i)
      values[size_t(to + i)] = slot[offset + i * stride];
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
