// CUDA's names on CPU threads, so that kernels/*.cu run where there is no GPU.
//
// A block's threads are threads of the process, and a team's blocks run at the same time.
// Shared memory is poisoned before every block. Copies in the background land only when they
// are waited for (LAZY 1), which shows a missing wait; or at once (LAZY 0), which lets
// ThreadSanitizer see a place that is filled while it is still read. The C++ library is left
// out: including it would double the time that a kernel takes to compile.
#pragma once
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST 1
#ifndef LAZY
#define LAZY 1
#endif

#define __device__
#define __global__
#define __launch_bounds__(...)
#define KERNEL extern "C" void
#define SHARED(name) unsigned char* const name = host::shared

extern "C" float exp2f(float) noexcept;
extern "C" float fmaxf(float, float) noexcept;
extern "C" float logf(float) noexcept;

namespace host {
struct Index {
    unsigned x = 0, y = 0, z = 0;
};

struct Copy {
    void* to;
    const void* from;
    int bytes;
    bool inside;
};

/// Copies of this thread that have not landed, in groups; the last one is open.
struct Copies {
    static constexpr int GROUPS = 8, MOST = 2048;
    Copy waiting[GROUPS][MOST];
    int count[GROUPS];
    int closed;
};

inline thread_local Index thread, block, block_size;
inline thread_local unsigned char* shared;
inline thread_local pthread_barrier_t *block_barrier, *team_barrier;
inline thread_local Copies* copies;

inline void require(bool truth) {
    if (!truth) abort();
}
}  // namespace host

#define threadIdx host::thread
#define blockIdx host::block
#define blockDim host::block_size

inline void __syncthreads() {
#ifdef WITHOUT_BARRIERS
    usleep(1);  // a test of the test: lets the others in, so that they meet
#else
    pthread_barrier_wait(host::block_barrier);
#endif
}

#include "device.cuh"

inline float widen(float value) { return value; }
inline float widen(bfloat16 value) {
    const unsigned bits = static_cast<unsigned>(value.bits) << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}
inline float widen(float16 value) {
    _Float16 half;
    memcpy(&half, &value, 2);
    return static_cast<float>(half);
}
inline void narrow(float wide, float& value) { value = wide; }
inline void narrow(float wide, bfloat16& value) {
    unsigned bits;
    memcpy(&bits, &wide, 4);
    const unsigned even = bits + 0x7fff + (bits >> 16 & 1);
    value.bits = static_cast<unsigned short>((wide == wide ? even : bits | 0x400000) >> 16);
}
inline void narrow(float wide, float16& value) {
    const _Float16 half = static_cast<_Float16>(wide);
    memcpy(&value, &half, 2);
}

namespace host {
inline void land(const Copy& copy) {
    if (copy.inside)
        memcpy(copy.to, copy.from, copy.bytes);
    else
        memset(copy.to, 0, copy.bytes);
}
}  // namespace host

template <int BYTES>
inline void copy(void* to, const void* from, bool inside, bool) {
    // A misaligned address would fault on a card.
    host::require(reinterpret_cast<size_t>(to) % BYTES == 0);
    host::require(!inside || reinterpret_cast<size_t>(from) % BYTES == 0);
    const host::Copy copy{to, from, BYTES, inside};
    if (!LAZY) return host::land(copy);
    host::Copies& all = *host::copies;
    host::require(all.count[all.closed] < host::Copies::MOST);
    all.waiting[all.closed][all.count[all.closed]++] = copy;
}

template <int BYTES>
inline void store(void* to, const void* from) {
    host::require(reinterpret_cast<size_t>(to) % BYTES == 0);
    memcpy(to, from, BYTES);
}

inline void copies_end() {
    host::Copies& all = *host::copies;
    host::require(++all.closed < host::Copies::GROUPS);
    all.count[all.closed] = 0;
}

template <int PENDING>
inline void copies_wait() {
    host::Copies& all = *host::copies;
    const int landed = all.closed > PENDING ? all.closed - PENDING : 0;
    for (int group = 0; group < landed; ++group)
        for (int i = 0; i < all.count[group]; ++i) host::land(all.waiting[group][i]);
    all.closed -= landed;
    memmove(all.waiting, all.waiting[landed], (all.closed + 1) * sizeof all.waiting[0]);
    memmove(all.count, all.count + landed, (all.closed + 1) * sizeof all.count[0]);
}

inline int team_member() { return TEAM > 1 ? host::block.x % TEAM : 0; }
inline void team_barrier() {
    if (TEAM > 1) pthread_barrier_wait(host::team_barrier);
}
inline float power_of_2(float x) { return exp2f(x); }
inline float choose(bool first, float a, float b) { return first ? a : b; }
inline float read_fresh(const float* from) { return *from; }

namespace host {
/// One launch: the blocks of a team at the same time, the teams one after the other.
template <class Argument>
struct Launch {
    void (*kernel)(Argument);
    const Argument& argument;
    unsigned blocks, threads;
    size_t bytes;
    unsigned char* memory[TEAM];
    pthread_barrier_t all, each[TEAM];

    void run(unsigned i) {
        const unsigned member = i / threads;
        copies = static_cast<Copies*>(malloc(sizeof(Copies)));
        thread.x = i % threads;
        block_size.x = threads;
        block_barrier = &each[member];
        team_barrier = &all;
        shared = memory[member];
        for (block.x = member; block.x < blocks; block.x += TEAM) {
            if (thread.x == 0) memset(shared, 0xff, bytes);
            copies->closed = copies->count[0] = 0;
            pthread_barrier_wait(&all);
            kernel(argument);
            pthread_barrier_wait(&all);
        }
        free(copies);
    }
};

template <class Argument>
struct Runner {
    Launch<Argument>* launch;
    unsigned index;

    static void* start(void* self) {
        const Runner& runner = *static_cast<Runner*>(self);
        runner.launch->run(runner.index);
        return nullptr;
    }
};

template <class Argument>
void launch(void (*kernel)(Argument), const Argument& argument, unsigned blocks, unsigned threads, size_t bytes) {
    constexpr unsigned MOST = 1024;
    static pthread_t pool[MOST];
    static Runner<Argument> runners[MOST];
    require(TEAM * threads <= MOST);
    Launch<Argument> launch{kernel, argument, blocks, threads, bytes, {}, {}, {}};
    pthread_barrier_init(&launch.all, nullptr, TEAM * threads);
    for (int i = 0; i < TEAM; ++i) {
        pthread_barrier_init(&launch.each[i], nullptr, threads);
        launch.memory[i] = static_cast<unsigned char*>(aligned_alloc(64, (bytes + 64) / 64 * 64));
    }
    for (unsigned i = 0; i < TEAM * threads; ++i) {
        runners[i] = {&launch, i};
        require(pthread_create(&pool[i], nullptr, Runner<Argument>::start, &runners[i]) == 0);
    }
    for (unsigned i = 0; i < TEAM * threads; ++i) pthread_join(pool[i], nullptr);
    for (unsigned char* one : launch.memory) free(one);
}
}  // namespace host
