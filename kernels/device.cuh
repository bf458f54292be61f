// What the kernels ask of the machine: values, asynchronous copies, teams of blocks.
//
// tests/kernels/host_cuda.h gives the same names on CPU threads. No CUDA header is
// included: the run-time compiler has no sure path to them.
#pragma once

#ifndef TYPE
#define TYPE float  // or float16, bfloat16: how values lie in memory; arithmetic is float
#endif
#ifndef VECTOR
#define VECTOR 16  // bytes copied at a time: what every pointer and stride is a multiple of
#endif
#ifndef PREFETCH
#define PREFETCH 64  // bytes that L2 fetches around a copied piece: 0, 64 or 128
#endif
#ifndef STREAM
#define STREAM 0  // 1: what is read or written once gives way in L2 to what is read again
#endif
#ifndef TEAM
#define TEAM 1  // blocks that share the lanes of a plane; a cluster, so past 1 only from sm_90 on
#endif

typedef long long int64;

struct float16 {
    unsigned short bits;
};
struct bfloat16 {
    unsigned short bits;
};

constexpr int PIECE = VECTOR / sizeof(TYPE);

struct alignas(VECTOR) Piece {
    TYPE value[PIECE];
};

/// A tensor by its strides, in elements; 0 along what it is shared by.
struct View {
    TYPE* at;
    int64 image, direction, channel, tap, row, column;
};

#ifndef HOST

#define SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#if TEAM > 1
#define KERNEL extern "C" __global__ void __cluster_dims__(TEAM, 1, 1)
#else
#define KERNEL extern "C" __global__ void
#endif

__device__ inline float widen(float value) { return value; }

__device__ inline float widen(float16 value) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
    return wide;
}

__device__ inline float widen(bfloat16 value) {
    return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}

__device__ inline void narrow(float wide, float& value) { value = wide; }

__device__ inline void narrow(float wide, float16& value) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(value.bits) : "f"(wide));
}

__device__ inline void narrow(float wide, bfloat16& value) {
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(value.bits) : "f"(wide));
#else
    const unsigned bits = __float_as_uint(wide);
    const unsigned even = bits + 0x7fff + (bits >> 16 & 1);
    value.bits = static_cast<unsigned short>((wide == wide ? even : bits | 0x400000) >> 16);
#endif
}

template <int BYTES>
struct Bytes;
template <>
struct Bytes<16> {
    using Word = uint4;
};
template <>
struct Bytes<8> {
    using Word = uint2;
};
template <>
struct Bytes<4> {
    using Word = unsigned;
};
template <>
struct Bytes<2> {
    using Word = unsigned short;
};

template <int BYTES>
__device__ inline void copy_now(void* to, const void* from, bool inside) {
    using Word = typename Bytes<BYTES>::Word;
    *static_cast<Word*>(to) = inside ? *static_cast<const Word*>(from) : Word{};
}

#define COPY_ASYNC(kind, end, ...)                                                                  \
    asm volatile("{.reg .pred out; setp.eq.s32 out, %2, 0; cp.async." kind " [%0], [%1], %3, out" end \
                 ";}" ::"r"(at), "l"(from), "r"(static_cast<int>(inside)),                           \
                 "n"(BYTES < 4 ? 4 : BYTES), ##__VA_ARGS__ : "memory")

/// Copies BYTES bytes to shared memory, in the background where the machine can; zeros if not
/// inside. `once`: no other block reads them.
template <int BYTES>
__device__ inline void copy(void* to, const void* from, bool inside, bool once) {
#if __CUDA_ARCH__ >= 800
    const unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(to));
    if (BYTES == 16 && STREAM && once) {
        unsigned long long policy;
        asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
        if (PREFETCH == 128)
            COPY_ASYNC("cg.shared.global.L2::cache_hint.L2::128B", ", %4", "l"(policy));
        else if (PREFETCH == 64)
            COPY_ASYNC("cg.shared.global.L2::cache_hint.L2::64B", ", %4", "l"(policy));
        else
            COPY_ASYNC("cg.shared.global.L2::cache_hint", ", %4", "l"(policy));
    } else if (BYTES == 16 && PREFETCH == 128) {
        COPY_ASYNC("cg.shared.global.L2::128B", "");
    } else if (BYTES == 16 && PREFETCH == 64) {
        COPY_ASYNC("cg.shared.global.L2::64B", "");
    } else if (BYTES == 16) {
        COPY_ASYNC("cg.shared.global", "");
    } else if (BYTES >= 4) {
        COPY_ASYNC("ca.shared.global", "");
    } else {
        copy_now<BYTES>(to, from, inside);
    }
#else
    copy_now<BYTES>(to, from, inside);
#endif
}

/// Writes BYTES bytes that no kernel of this launch reads.
template <int BYTES>
__device__ inline void store(void* to, const void* from) {
    using Word = typename Bytes<BYTES>::Word;
    if (STREAM)
        __stcs(static_cast<Word*>(to), *static_cast<const Word*>(from));
    else
        *static_cast<Word*>(to) = *static_cast<const Word*>(from);
}

/// Closes a group of copies.
__device__ inline void copies_end() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most PENDING of the groups closed by this thread are still under way.
template <int PENDING>
__device__ inline void copies_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

__device__ inline int team_member() { return TEAM > 1 ? blockIdx.x % TEAM : 0; }

/// What any block of the team wrote before is seen by all of them after.
__device__ inline void team_barrier() {
#if TEAM > 1
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/// Reads past the first-level cache, which does not hear of other blocks' writes.
__device__ inline float read_fresh(const float* from) { return __ldcg(from); }

#endif  // HOST
