using System.Numerics;
using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// The causal convolution on a GPU, with every option of <see cref="CausalConv1d"/>. All addresses are the device's. Elements of
/// <c>x, out</c> and their gradients are <c>T</c>: float, double, <see cref="BFloat16"/> or <see cref="Half"/>. Beside 16-bit elements the
/// pointers of taps, bias, states and their gradients point at float32, however they are typed.
/// Nothing is allocated. Gradients are the same bits in every run: taps and bias are summed by chunks of steps that the shape alone cuts.
/// </summary>
public static unsafe class CudaCausalConv1d
{
    private const int Threads = 128;

    /// <summary>Channels of a block of the last sums, and its threads.</summary>
    private const int SumChannels = 32;
    private const int SumThreads = 256;

    /// <summary>Below this many threads chunks become shorter.</summary>
    private const long FewThreads = 1 << 17;

    /// <summary>Every kernel that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. from kernel in new[] { "conv_forward", "conv_backward" }
           from type in KernelTypes.Names
           from width in new[] { 2, 3, 4 }
           from packed in new[] { false, true }
           select Instance(kernel, type, width, packed),
        Sums("float"),
        Sums("double"),
    ];

    /// <summary>See <see cref="KernelInstances.After"/>.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments) =>
        kernel == "conv_forward" ? [$"conv_backward<{string.Join(", ", arguments)}>", Sums(KernelTypes.ParameterName(arguments[0]))] : [];

    /// <summary>Queues the convolution: the result <c>[B, L, D]</c> and, if wanted, the final states <c>[B, W-1, D]</c>.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="shape">What is computed</param>
    /// <param name="inputs">What is read</param>
    /// <param name="outputs">What is written</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size, stride or pointer that cannot be right.</exception>
    public static void Forward<T>(
        GpuDevice device, in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputs<T> outputs, nint stream = 0)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        CausalConv1dInputs<T> read = CausalConv1dChecks.Inputs(shape, inputs);
        CausalConv1dOutputs<T> written = CausalConv1dChecks.Outputs(shape, outputs);
        Cut cut = Cut.Of(shape, steps: 64, fewSteps: 16);
        var arguments = new ForwardArguments(
            Arguments(shape, read, cut), (nint)written.Out, (nint)written.FinalStates, written.OutRowStride);
        device.Launch(KernelSource.CausalConv1d, Instance("conv_forward", type, shape.Width, read.SeqIdx != null), cut.Size, arguments, stream);
    }

    /// <summary>Bytes of workspace that <see cref="Backward{T}"/> needs where it sums gradients of taps or bias; 0 where it does not.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    public static long BackwardWorkspaceBytes<T>(in CausalConv1dShape shape)
        where T : unmanaged => BackwardCut(shape).Count * (shape.Width + 1) * shape.Channels * KernelTypes.ParameterBytes<T>();

    /// <summary>Queues the gradients of x <c>[B, L, D]</c>, taps <c>[D, W]</c>, bias <c>[D]</c> and initial states <c>[B, W-1, D]</c>, as
    /// far as they are wanted.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="shape">What was computed</param>
    /// <param name="inputs">What was read</param>
    /// <param name="outputGradients">What arrives</param>
    /// <param name="inputGradients">What is written</param>
    /// <param name="workspace"><see cref="BackwardWorkspaceBytes{T}"/> bytes, aligned to 8; may be 0 where neither taps nor bias want a gradient</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size, stride or pointer that cannot be right.</exception>
    public static void Backward<T>(
        GpuDevice device,
        in CausalConv1dShape shape,
        in CausalConv1dInputs<T> inputs,
        in CausalConv1dOutputGradients<T> outputGradients,
        in CausalConv1dInputGradients<T> inputGradients,
        nint workspace,
        nint stream = 0)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        CausalConv1dInputs<T> read = CausalConv1dChecks.Inputs(shape, inputs);
        CausalConv1dOutputGradients<T> arriving = CausalConv1dChecks.OutputGradients(shape, outputGradients);
        CausalConv1dInputGradients<T> written = CausalConv1dChecks.InputGradients(shape, inputGradients);
        bool sums = written.DWeight != null || written.DBias != null;
        if (sums && shape.Batch > 0)
        {
            KernelArgument.RequirePointer((void*)workspace, "The workspace", "BackwardWorkspaceBytes bytes");
        }

        Cut cut = BackwardCut(shape);
        var arguments = new BackwardArguments(
            Arguments(shape, read, cut),
            (nint)arriving.DOut,
            (nint)arriving.DFinalStates,
            (nint)written.DX,
            (nint)written.DInitialStates,
            sums ? workspace : 0,
            arriving.DOutRowStride,
            written.DXRowStride);
        device.Launch(KernelSource.CausalConv1d, Instance("conv_backward", type, shape.Width, read.SeqIdx != null), cut.Size, arguments, stream);
        if (sums)
        {
            long columns = (shape.Channels + SumChannels - 1) / SumChannels;
            device.Launch(
                KernelSource.CausalConv1d,
                Sums(KernelTypes.ParameterName(type)),
                new LaunchSize(columns * (shape.Width + 1), SumThreads),
                new SumArguments(workspace, (nint)written.DWeight, (nint)written.DBias, cut.Count, shape.Channels, columns, shape.Width),
                stream);
        }
    }

    private static InputArguments Arguments<T>(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in Cut cut)
        where T : unmanaged => new(
            (nint)inputs.X, (nint)inputs.Weight, (nint)inputs.Bias, (nint)inputs.InitialStates, (nint)inputs.SeqIdx,
            inputs.XRowStride, shape.Batch, shape.Length, shape.Channels, cut.Chunks, cut.Columns,
            cut.Steps, cut.Lanes, shape.Silu ? 1 : 0, shape.Reverse ? 1 : 0);

    private static Cut BackwardCut(in CausalConv1dShape shape) => Cut.Of(shape, steps: 128, fewSteps: 32);

    private static string Instance(string kernel, string type, int width, bool packed) => $"{kernel}<{type}, {width}, {(packed ? "true" : "false")}>";

    private static string Sums(string parameters) => $"conv_sums<{parameters}>";

    /// <summary>How the shape is cut: chunks of steps, and channels of a block.</summary>
    private readonly record struct Cut(long Chunks, long Count, long Columns, int Steps, int Lanes)
    {
        public LaunchSize Size => new((Count + (Threads / Lanes) - 1) / (Threads / Lanes) * Columns, Threads);

        public static Cut Of(in CausalConv1dShape shape, int steps, int fewSteps)
        {
            long length = Math.Max(shape.Length, 1);
            int chosen = shape.Batch * shape.Channels * ((length + steps - 1) / steps) < FewThreads ? fewSteps : steps;
            int lanes = (int)Math.Min(Threads, BitOperations.RoundUpToPowerOf2((ulong)shape.Channels));
            long chunks = (length + chosen - 1) / chosen;
            return new(chunks, shape.Batch * chunks, (shape.Channels + lanes - 1) / lanes, chosen, lanes);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct InputArguments(
        nint X, nint Weight, nint Bias, nint Initial, nint SeqIdx, long XStride, long Batch, long Length, long Channels, long Chunks, long Columns,
        int ChunkSteps, int Lanes, int Silu, int Reverse);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ForwardArguments(InputArguments In, nint Out, nint FinalStates, long OutStride);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct BackwardArguments(
        InputArguments In, nint DOut, nint DFinal, nint DX, nint DInitial, nint Partials, long DOutStride, long DXStride);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct SumArguments(nint Partials, nint DWeight, nint DBias, long Chunks, long Channels, long Columns, long Width);
}
