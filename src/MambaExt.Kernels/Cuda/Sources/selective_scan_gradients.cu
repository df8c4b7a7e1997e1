// What the backward scan is given, and where its gradients go.

template <typename T> struct ScanGradients {
    typedef typename Wide<T>::type R;
    const T* out;
    i64 out_stride;
    const R* last;
    T* u;
    i64 u_stride;
    T* delta;
    i64 delta_stride;
    R* a;
    void* b;            // T a position, R where constant
    i64 b_stride;
    void* c;
    i64 c_stride;
    T* z;
    i64 z_stride;
    R* d;
    R* bias;
    R* initial;
};

template <typename T> struct ScanBackward {
    typedef typename Wide<T>::type R;
    ScanInputs<T> in;
    ScanGradients<T> grad;
    const R* checkpoints;
    const R* carries;           // [B, segments, N, D]: what reaches the end of each segment; null where L is one segment
    R* rows_b;                  // [blocks of a group, positions, G, N]; null where a group is one block, which writes dB itself
    R* rows_c;
    R* sum_a;                   // [parts, N, D]
    R* sum_b;                   // the same of constant B and C
    R* sum_c;
    R* sum_d;                   // [parts, D]
    R* sum_bias;
    R* scratch;                 // [blocks of the grid, passes, slots, threads, NT]
    i64 first_batch, last_batch;
    i64 runs, first_run;        // runs of batch entries in this launch, and before it; a part is a run and a segment
    ScanSizes s;
};
