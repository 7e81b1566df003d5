// Captures and graphs, emulated: what a graph's streams do is enqueued anew by each launch, with the checks
// of streams, and runs when somebody waits.
#include "Emulation.h"

namespace mlora::cuda {

void Capture::add(unsigned lane, GraphStep step) {
  step.lane = lane;
  graph.steps.push_back(std::move(step));
  orders[lane][lane] = ++recorded[lane];
}

namespace {

void endCapture(Capture &capture) {
  std::vector<Stream *> streams = capture.streams; // the last reference to the capture may be a stream's
  for (Stream *stream : streams)
    stream->capture = nullptr;
}

/// A lane whose last step nobody waits for would run beyond the graph's end.
void checkJoined(const Capture &capture) {
  for (unsigned lane = 1; lane < capture.graph.lanes; ++lane) {
    auto known = capture.orders[0].find(lane);
    if (known == capture.orders[0].end() || known->second < capture.recorded[lane])
      refuse(
          Result::StreamCaptureUnjoined,
          "cuStreamEndCapture: stream " + std::to_string(capture.streams[lane]->number) +
              " has joined the capture, and the captured stream does not wait for the end of what it does: "
              "cuEventRecord there and cuStreamWaitEvent here are missing");
  }
}

} // namespace

Result emulated_streamBeginCapture(Stream *handle, CaptureMode) {
  return guarded("cuStreamBeginCapture", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    device.checkNotCapturing("cuStreamBeginCapture");
    stream.capture = std::make_shared<Capture>();
    stream.capture->number = ++device.captures;
    stream.capture->streams = {&stream};
    stream.capture->recorded = {0};
    stream.capture->orders.resize(1);
    stream.lane = 0;
  });
}

Result emulated_streamEndCapture(Stream *handle, Graph **graph) {
  return guarded("cuStreamEndCapture", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    if (!stream.capture || stream.lane != 0)
      refuse(Result::StreamCaptureUnmatched, "cuStreamEndCapture: this stream is not captured");
    std::shared_ptr<Capture> capture = stream.capture;
    endCapture(*capture);
    *graph = nullptr;
    checkJoined(*capture);
    *graph = new Graph(std::move(capture->graph));
  });
}

Result emulated_graphInstantiate(GraphExec **executable, Graph *graph, unsigned long long) {
  return guarded("cuGraphInstantiate", [&](Emulation &device) {
    *executable = new GraphExec{*graph, {}};
    for (unsigned lane = 1; lane < graph->lanes; ++lane) {
      Stream *stream = (*executable)->streams.emplace_back(new Stream);
      stream->number = ++device.streamNumbers;
      device.streams.insert(stream);
    }
    device.graphs.insert(*executable);
  });
}

Result emulated_graphLaunch(GraphExec *executable, Stream *handle) {
  return guarded("cuGraphLaunch", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    if (!device.graphs.contains(executable))
      refuse(Result::InvalidHandle, "cuGraphLaunch: there is no such graph (or it is destroyed)");
    if (stream.capture)
      refuse(Result::StreamCaptureUnsupported, "cuGraphLaunch while this stream is captured");
    struct Reached {
      Stream *stream;
      uint64_t number;
      Moment order;
    };
    std::vector<Reached> reached(size_t(executable->graph.events));
    for (const GraphStep &step : executable->graph.steps) {
      Stream &lane = step.lane == 0 ? stream : *executable->streams[step.lane - 1];
      if (step.reaches >= 0) {
        reached[size_t(step.reaches)] = {&lane, lane.enqueued, lane.order};
      } else if (step.waits >= 0) {
        const Reached &event = reached[size_t(step.waits)];
        device.waitFor(lane, event.stream, event.number, event.order);
      } else {
        device.enqueue(lane, step.operation);
      }
    }
  });
}

Result emulated_graphExecDestroy(GraphExec *executable) {
  return guarded("cuGraphExecDestroy", [&](Emulation &device) {
    if (!device.graphs.contains(executable))
      refuse(Result::InvalidHandle, "cuGraphExecDestroy: there is no such graph");
    for (Stream *stream : executable->streams) {
      device.runAll(*stream);
      device.streams.erase(stream);
      delete stream;
    }
    device.graphs.erase(executable);
    delete executable;
  });
}

Result emulated_graphDestroy(Graph *graph) {
  return guarded("cuGraphDestroy", [&](Emulation &) { delete graph; });
}

} // namespace mlora::cuda
