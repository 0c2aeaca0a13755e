#include "examples/kernel/caches/backends.hpp"

namespace kernel {

constinit FrameBackend frame_backend;
constinit MappedBackend mapped_backend;
constinit LargeBackend large_backend;
constinit slab::Immortal<SlabInfoRooms> slab_info_rooms{frame_backend};

}  // namespace kernel
