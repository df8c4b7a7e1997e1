using System.Diagnostics;
using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using Kernel = MambaExt.Kernels.SelectiveScan;

namespace MambaExt.Cli;

/// <summary>Keys of <c>bench scan --json</c>.</summary>
internal sealed record ScanBenchmarkResult(
    string shape, string options, string dtype, int threads, double forward_ms, double backward_ms, double yardstick_exp_ms, double forward_ratio, double backward_ratio,
    double forward_ns_per_state, double backward_ns_per_state, long forward_workspace_bytes, long backward_workspace_bytes, long node_bytes, int vector_bits, string device);

/// <summary>
/// Times forward (softplus, D and gate on) and backward (all gradients) in turn with the yardstick, medians over the rounds: a ratio within
/// one run survives a machine whose speed drifts. The yardstick is torch's exp_ in place over as many numbers as the scan has states,
/// refilled off the clock with U(-5, 0).
/// </summary>
internal static unsafe class ScanBenchmark
{
    /// <summary>A yardstick of more numbers than this is timed on this many and scaled.</summary>
    public const long MostYardstick = 1L << 28;

    public static ScanBenchmarkResult Run<T>(ScanBenchmarkCase one, int rounds, CancellationToken token)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        KernelOptions options = Compute.Options;
        SelectiveScanShape shape = one.ToShape();
        ScalarType type = typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64;
        manual_seed(0);
        long b = one.B, l = one.L, d = one.D, n = one.N, g = one.G;
        Tensor u = Draw(-1, 1, b, l, d), delta = Draw(-4, 0, b, l, d), a = Draw(-8, -0.5, d, n), bb = Draw(-1, 1, b, l, g, n), cc = Draw(-1, 1, b, l, g, n);
        Tensor z = Draw(-2, 2, b, l, d), skip = Draw(-1, 1, d), bias = Draw(-1, 1, d), dout = Draw(-1, 1, b, l, d);
        Tensor sequence = zeros([b, l], ScalarType.Int32);
        if (one.Packed)
        {
            sequence.copy_(div(arange(l), 100, RoundingMode.floor).to_type(ScalarType.Int32).expand(b, l));
        }

        Tensor result = zeros([b, l, d], type), kept = zeros([Kernel.CheckpointElements<T>(shape, options)], type);
        Tensor[] gradients = new[] { u, delta, a, bb, cc, z, skip, bias }.Select(t => zeros_like(t)).ToArray();
        var inputs = new SelectiveScanInputs<T>
        {
            U = At(u), UStride = d, Delta = At(delta), DeltaStride = d, A = At(a), B = At(bb), BStride = g * n, C = At(cc), CStride = g * n,
            Z = At(z), ZStride = d, D = At(skip), DeltaBias = At(bias), SequenceIndex = one.Packed ? (int*)TensorPointer.Of(sequence) : null,
        };
        var outputs = new SelectiveScanOutputs<T> { Out = At(result), OutStride = d, Checkpoints = At(kept) };
        var grads = new SelectiveScanGradients<T>
        {
            Out = At(dout), OutStride = d, U = At(gradients[0]), UStride = d, Delta = At(gradients[1]), DeltaStride = d, A = At(gradients[2]),
            B = At(gradients[3]), BStride = g * n, C = At(gradients[4]), CStride = g * n, Z = At(gradients[5]), ZStride = d, D = At(gradients[6]), DeltaBias = At(gradients[7]),
        };
        long states = b * l * d * n, measured = Math.Min(states, MostYardstick);
        Tensor source = rand([measured], type).mul_(-5), target = empty([measured], type);
        double[] exp = new double[rounds], forward = new double[rounds], backward = new double[rounds];
        long forwardBytes = 0, backwardBytes = 0;
        for (int round = -2; round < rounds; round++)
        {
            token.ThrowIfCancellationRequested();
            target.copy_(source);
            double e = Time(() => target.exp_());
            double f = Time(() => Kernel.Forward(shape, inputs, outputs, options));
            forwardBytes = Workspace.LastBytes;
            double w = Time(() => Kernel.Backward(shape, inputs, outputs.Checkpoints, grads, options));
            backwardBytes = Workspace.LastBytes;
            if (round >= 0)
            {
                (exp[round], forward[round], backward[round]) = (e * ((double)states / measured), f, w);
            }
        }

        double yardstick = Median(exp), fwd = Median(forward), bwd = Median(backward);
        return new ScanBenchmarkResult(
            one.Shape, one.Note, type == ScalarType.Float32 ? "float32" : "float64", options.Threads, fwd, bwd, yardstick, fwd / yardstick, bwd / yardstick,
            fwd * 1e6 / states, bwd * 1e6 / states, forwardBytes, backwardBytes, kept.numel() * sizeof(T), options.VectorBits,
            $"CPU ({System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}, widest accelerated vectors {VectorWidth.Hardware} bits)");

        Tensor Draw(double low, double high, params long[] size) => rand(size, type).mul_(high - low).add_(low);

        static T* At(Tensor t) => (T*)TensorPointer.Of(t);
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
