// The windowed match: similarities, softmax and weighted mean in one pass over each window.
#include "match.cuh"

// From START on, the exponential of NEVER is 0.
constexpr float START = -1.7e38f, NEVER = 2 * START, OUTSIDE = -1e4f;

KERNEL match_forward(const Match m) {
    SHARED(memory);
    const Pair pair(m);
    const Stage stage(m, pair, memory);
    float query[PAIR][FEATURES] = {}, out[PAIR][VALUES] = {}, total[PAIR] = {}, top[PAIR];
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        top[p] = START;
        if (pair.inside[p]) load<FEATURES, FEATURE_WIDE>(m.query + pair.pixel[p] * FEATURES, query[p]);
    }
    walk(m, stage, pair, [&](int p, const auto& key, const auto& value, float bias, bool in) {
        const float s = choose(in, dot(query[p], key) + bias, NEVER);
        const float highest = fmaxf(top[p], s);
        const float less = exponential(top[p] - highest), weight = exponential(s - highest);
        top[p] = highest;
        total[p] = total[p] * less + weight;
#pragma unroll
        for (int v = 0; v < VALUES; ++v) out[p][v] *= less;
        // Not by a weight of 0: a NaN past the window must not be seen.
        if (in) add(weight, value, out[p]);
    });
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        if (!pair.inside[p]) continue;
        const bool seen = !empty(pair.window[p]);
#pragma unroll
        for (int v = 0; v < VALUES; ++v) out[p][v] = seen ? out[p][v] / total[p] : 0;
        save<VALUES, VALUE_WIDE>(out[p], m.out + pair.pixel[p] * VALUES);
        m.score[pair.pixel[p]] = seen ? top[p] + logf(total[p]) : OUTSIDE;
    }
}
