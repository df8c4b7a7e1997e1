using System.Diagnostics;
using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

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

    /// <summary>On the CPU; the workspace is what the kernels allocated for themselves.</summary>
    public static ScanBenchmarkResult OnCpu<T>(ScanBenchmarkCase one, int rounds, CancellationToken token)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelOptions options = Compute.Options;
        return Run(
            one, rounds, new CpuKernels<T>(options), CPU, Clock, ownWorkspace: true, options.VectorBits,
            $"CPU ({System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}, widest accelerated vectors {VectorWidth.Hardware} bits)", token);

        static double Clock(Action action)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    /// <summary>On a GPU, by its own clock.</summary>
    public static ScanBenchmarkResult OnGpu<T>(ScanBenchmarkCase one, int rounds, Device device, CancellationToken token)
        where T : unmanaged
    {
        CudaDevice gpu = CudaDevice.Get(Math.Max(device.index, 0));
        using GpuTimer timer = gpu.CreateTimer();
        return Run(one, rounds, new CudaKernels<T>(gpu), device, Clock, ownWorkspace: false, 0, gpu.Name, token);

        double Clock(Action action)
        {
            timer.Start();
            action();
            timer.Stop();
            return timer.Milliseconds();
        }
    }

    private static ScanBenchmarkResult Run<T>(
        ScanBenchmarkCase one, int rounds, DeviceKernels<T> kernels, Device device, Func<Action, double> time, bool ownWorkspace, int vectorBits, string name, CancellationToken token)
        where T : unmanaged
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        SelectiveScanShape shape = one.ToShape();
        ScalarType type = typeof(T) == typeof(float) ? ScalarType.Float32 : typeof(T) == typeof(double) ? ScalarType.Float64 : typeof(T) == typeof(Half) ? ScalarType.Float16 : ScalarType.BFloat16;
        ScalarType wide = sizeof(T) == 2 ? ScalarType.Float32 : type;
        manual_seed(0);
        long b = one.B, l = one.L, d = one.D, n = one.N, g = one.G;
        Tensor u = Draw(-1, 1, b, l, d), delta = Draw(-4, 0, b, l, d), a = Wide(-8, -0.5, d, n), bb = Draw(-1, 1, b, l, g, n), cc = Draw(-1, 1, b, l, g, n);
        Tensor z = Draw(-2, 2, b, l, d), skip = Wide(-1, 1, d), bias = Wide(-1, 1, d), dout = Draw(-1, 1, b, l, d);
        Tensor sequence = zeros([b, l], ScalarType.Int32, device);
        if (one.Packed)
        {
            sequence.copy_(div(arange(l), 100, RoundingMode.floor).to_type(ScalarType.Int32).to(device).expand(b, l));
        }

        Tensor result = zeros([b, l, d], type, device), kept = zeros([kernels.CheckpointElements(shape)], wide, device);
        Tensor forwardWorkspace = empty([kernels.ForwardWorkspaceBytes(shape, checkpoints: true)], ScalarType.Byte, device), backwardWorkspace = empty([kernels.BackwardWorkspaceBytes(shape)], ScalarType.Byte, device);
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
        Tensor source = rand([measured], type, device).mul_(-5), target = empty([measured], type, device);
        double[] exp = new double[rounds], forward = new double[rounds], backward = new double[rounds];
        long forwardBytes = forwardWorkspace.numel(), backwardBytes = backwardWorkspace.numel();
        for (int round = -2; round < rounds; round++)
        {
            token.ThrowIfCancellationRequested();
            target.copy_(source);
            double e = time(() => target.exp_());
            double f = time(() => kernels.Forward(shape, inputs, outputs, TensorPointer.Of(forwardWorkspace)));
            forwardBytes = ownWorkspace ? Workspace.LastBytes : forwardBytes;
            double w = time(() => kernels.Backward(shape, inputs, (nint)outputs.Checkpoints, grads, TensorPointer.Of(backwardWorkspace)));
            backwardBytes = ownWorkspace ? Workspace.LastBytes : backwardBytes;
            if (round >= 0)
            {
                (exp[round], forward[round], backward[round]) = (e * ((double)states / measured), f, w);
            }
        }

        double yardstick = Median(exp), fwd = Median(forward), bwd = Median(backward);
        return new ScanBenchmarkResult(
            one.Shape, one.Note, type.ToString().ToLowerInvariant(), Compute.Threads, fwd, bwd, yardstick, fwd / yardstick, bwd / yardstick,
            fwd * 1e6 / states, bwd * 1e6 / states, forwardBytes, backwardBytes, kept.numel() * kept.element_size(), vectorBits, name);

        Tensor Draw(double low, double high, params long[] size) => Wide(low, high, size).to_type(type);

        Tensor Wide(double low, double high, params long[] size) => rand(size, wide, device).mul_(high - low).add_(low);

        static T* At(Tensor t) => TensorPointer.Of<T>(t);
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
