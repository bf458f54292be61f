// The windowed match: similarities, softmax and weighted mean in one pass over each window.
#include "match.cuh"

KERNEL match_forward(const Match m) {
    SHARED(memory);
    const Pair pair(m);
    const Stage stage(m, pair, memory);
    constexpr float LOWEST = -3.402823466e38f, OUTSIDE = -1e4f;
    float query[PAIR][FEATURES] = {}, out[PAIR][VALUES] = {}, total[PAIR] = {}, top[PAIR];
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        top[p] = LOWEST;
        if (pair.inside[p]) load<FEATURES, FEATURE_WIDE>(m.query + pair.pixel[p] * FEATURES, query[p]);
    }
    walk(m, stage, pair, [&](int p, const auto& key, const auto& value, unsigned d) {
        const float s = dot(query[p], key) + m.bias[d];
        if (s > top[p]) {
            const float less = expf(top[p] - s);
            total[p] *= less;
#pragma unroll
            for (int v = 0; v < VALUES; ++v) out[p][v] *= less;
            top[p] = s;
        }
        const float weight = expf(s - top[p]);
        total[p] += weight;
        add(weight, value, out[p]);
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
