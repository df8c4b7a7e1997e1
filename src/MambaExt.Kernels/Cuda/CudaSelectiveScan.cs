namespace MambaExt.Kernels.Cuda;

/// <summary>
/// The selective scan on a GPU, as <see cref="SelectiveScan"/> defines it. Sequences are float, double, <see cref="BFloat16"/> or
/// <see cref="Half"/>. Beside the last two, parameters and states are float32: the fields A, D, DeltaBias, InitialState, LastState, Checkpoints,
/// and constant B and C, of inputs, outputs and gradients then point at floats. Every address is the device's. Nothing is allocated: the
/// caller passes a workspace, aligned to 256 bytes. Results are the same bits from run to run and from device to device of one architecture.
/// </summary>
public static unsafe class CudaSelectiveScan
{
    private const int SumThreads = 256;
    private static readonly string[] Elements = ["float", "double", "bf16", "f16"];

    /// <summary>Every template instance that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. new[] { "scan_forward", "scan_backward" }.SelectMany(kernel => Elements.Select(t => Instance(kernel, false, t, CudaScanPlan.MostLanes))),
        .. new[] { "scan_forward", "scan_backward" }.SelectMany(kernel => Elements.Where(t => t != "double").SelectMany(t => new[]
        {
            Instance(kernel, true, t, 1), Instance(kernel, true, t, 2), Instance(kernel, true, t, CudaScanPlan.MostLanes),
        })),
        .. Elements.SelectMany(t => new[] { Ends(t), SumRows(t) }),
        .. new[] { "float", "double" }.SelectMany(r => new[] { Join(r), SumParameters(r) }),
    ];

    /// <summary>See <see cref="KernelInstances.After"/>. Segments are joined, and then mostly scanned by the plain instance.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments)
    {
        if (kernel == "scan_ends")
        {
            string type = arguments[0], forward = Instance("scan_forward", plain: type != "double", type, CudaScanPlan.MostLanes);
            return [Join(KernelTypes.ParameterName(type)), forward, .. After("scan_forward", [type != "double" ? "true" : "false", .. arguments])];
        }

        return kernel != "scan_forward" ? []
            : [$"scan_backward<{string.Join(", ", arguments)}>", SumRows(arguments[1]), SumParameters(KernelTypes.ParameterName(arguments[1]))];
    }

    /// <summary>Elements, of a state's type, that the checkpoints take: never as many as the output has.</summary>
    public static long CheckpointElements(in SelectiveScanShape shape)
    {
        shape.Validate();
        return checked(shape.Batch * new CudaScanPlan(shape).Checkpoints * shape.Channels * shape.States);
    }

    /// <summary>Bytes of the forward scan's workspace; 0 unless L is cut.</summary>
    public static long ForwardWorkspaceBytes<T>(in SelectiveScanShape shape)
        where T : unmanaged
    {
        shape.Validate();
        return new CudaScanWorkspace(shape, new CudaScanPlan(shape), KernelTypes.ParameterBytes<T>(), 0, backward: false).Bytes;
    }

    /// <summary>Bytes of the backward scan's workspace.</summary>
    public static long BackwardWorkspaceBytes<T>(in SelectiveScanShape shape)
        where T : unmanaged
    {
        shape.Validate();
        return new CudaScanWorkspace(shape, new CudaScanPlan(shape), KernelTypes.ParameterBytes<T>(), 0, backward: true).Bytes;
    }

    /// <summary>Queues the scan.</summary>
    /// <param name="device">Where it runs</param>
    /// <param name="shape">Sizes and switches</param>
    /// <param name="inputs">Addresses of what is read</param>
    /// <param name="outputs">Addresses of what is written; checkpoints, if wanted, are <see cref="CheckpointElements"/> of a state's type</param>
    /// <param name="workspace"><see cref="ForwardWorkspaceBytes{T}"/> bytes</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Forward<T>(
        GpuDevice device, in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        SelectiveScanChecks.Require(shape, inputs, outputs);
        var plan = new CudaScanPlan(shape);
        bool plain = Plain(shape, inputs);
        int lanes = plain ? plan.Lanes : CudaScanPlan.MostLanes, width = KernelTypes.ParameterBytes<T>();
        var space = new CudaScanWorkspace(shape, plan, width, workspace, backward: false);
        var sizes = new CudaScanSizes(shape, plan);
        if (plan.Segments > 1)
        {
            FindStarts<T>(device, shape, plan, new() { Inputs = inputs, Ends = space.Ends, Products = space.Products, Sizes = sizes }, (nint)inputs.InitialState, stream);
        }

        var arguments = new CudaScanForward<T> { Inputs = inputs, Outputs = outputs, Starts = space.Ends, Sizes = sizes };
        var size = new LaunchSize(checked(shape.Batch * plan.Segments * plan.Blocks), CudaScanBlock.Threads(lanes), CudaScanBlock.ForwardShared(sizes.Passes, lanes, width));
        device.Launch(KernelSource.SelectiveScan, Instance("scan_forward", plain, KernelTypes.Name<T>(), lanes), size, arguments, stream);
    }

    /// <summary>Queues the gradients, from the checkpoints that the forward scan left.</summary>
    /// <param name="device">Where it runs</param>
    /// <param name="shape">Sizes and switches</param>
    /// <param name="inputs">What the forward scan read</param>
    /// <param name="checkpoints">What it left; may be null where <see cref="CheckpointElements"/> is 0</param>
    /// <param name="gradients">Addresses of gradients; a null pointer is one that nobody needs</param>
    /// <param name="workspace"><see cref="BackwardWorkspaceBytes{T}"/> bytes</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Backward<T>(
        GpuDevice device, in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, nint checkpoints, in SelectiveScanGradients<T> gradients, nint workspace,
        nint stream = 0)
        where T : unmanaged
    {
        SelectiveScanChecks.Require(shape, inputs, checkpoints != 0 || CheckpointElements(shape) == 0, gradients);
        Backward(device, shape, new CudaScanPlan(shape), inputs, checkpoints, gradients, workspace, stream);
    }

    /// <summary>As the other; the plan may take fewer batch entries a launch.</summary>
    internal static void Backward<T>(
        GpuDevice device, in SelectiveScanShape shape, in CudaScanPlan plan, in SelectiveScanInputs<T> inputs, nint checkpoints, in SelectiveScanGradients<T> gradients,
        nint workspace, nint stream)
        where T : unmanaged
    {
        bool plain = Plain(shape, inputs);
        int lanes = plain ? plan.Lanes : CudaScanPlan.MostLanes, width = KernelTypes.ParameterBytes<T>();
        var space = new CudaScanWorkspace(shape, plan, width, workspace, backward: true);
        var arguments = new CudaScanBackward<T>
        {
            Inputs = inputs, Gradients = gradients, Checkpoints = checkpoints, Carries = space.Ends, RowsB = space.RowsB, RowsC = space.RowsC,
            SumA = space.SumA, SumB = space.SumB, SumC = space.SumC, SumD = space.SumD, SumBias = space.SumBias, Scratch = space.Scratch,
            Sizes = new(shape, plan),
        };
        if (plan.Segments > 1)
        {
            CudaScanEnds<T> ends = new()
            {
                Inputs = inputs, GradOut = (nint)gradients.Out, GradOutStride = gradients.OutStride, Ends = space.Ends, Products = space.Products, Sizes = arguments.Sizes, Backward = 1,
            };
            FindStarts(device, shape, plan, ends, (nint)gradients.LastState, stream);
        }

        for (arguments.FirstBatch = 0; arguments.FirstBatch < shape.Batch; arguments.FirstBatch = arguments.LastBatch)
        {
            arguments.LastBatch = Math.Min(shape.Batch, arguments.FirstBatch + plan.SliceEntries);
            arguments.Runs = Math.Min(arguments.LastBatch - arguments.FirstBatch, plan.SliceRuns);
            var size = new LaunchSize(checked(arguments.Runs * plan.Segments * plan.Blocks), CudaScanBlock.Threads(lanes), CudaScanBlock.BackwardShared(lanes, width));
            device.Launch(KernelSource.SelectiveScan, Instance("scan_backward", plain, KernelTypes.Name<T>(), lanes), size, arguments, stream);
            arguments.FirstRun += arguments.Runs;
            SumRows<T>(device, shape, plan, arguments, space.RowsB, (nint)gradients.B, gradients.BStride, stream);
            SumRows<T>(device, shape, plan, arguments, space.RowsC, (nint)gradients.C, gradients.CStride, stream);
        }

        SumParameters<T>(device, plan, space.SumA, (nint)gradients.A, shape.Channels, shape.States, stream);
        SumParameters<T>(device, plan, space.SumB, shape.PerPositionB ? 0 : (nint)gradients.B, shape.Channels, shape.States, stream);
        SumParameters<T>(device, plan, space.SumC, shape.PerPositionC || shape.ReturnStates ? 0 : (nint)gradients.C, shape.Channels, shape.States, stream);
        SumParameters<T>(device, plan, space.SumD, (nint)gradients.D, shape.Channels, 1, stream);
        SumParameters<T>(device, plan, space.SumBias, (nint)gradients.DeltaBias, shape.Channels, 1, stream);
    }

    /// <summary>What segments start from (or, in the backward scan, what reaches their ends), into <c>Ends</c>.</summary>
    private static void FindStarts<T>(
        GpuDevice device, in SelectiveScanShape shape, in CudaScanPlan plan, in CudaScanEnds<T> arguments, nint first, nint stream)
        where T : unmanaged
    {
        var size = new LaunchSize(checked(shape.Batch * (plan.Segments - 1) * plan.Blocks), CudaScanBlock.Threads(CudaScanPlan.MostLanes));
        device.Launch(KernelSource.SelectiveScan, Ends(KernelTypes.Name<T>()), size, arguments, stream);

        var join = new CudaScanJoin
        {
            Ends = arguments.Ends, Products = arguments.Products, First = first, Batch = shape.Batch, Segments = plan.Segments, Channels = shape.Channels, States = shape.States,
            Backward = arguments.Backward,
        };
        device.Launch(KernelSource.SelectiveScan, Join(StateName<T>()), Elementwise(checked(shape.Batch * shape.Channels * shape.States)), join, stream);
    }

    private static void SumRows<T>(
        GpuDevice device, in SelectiveScanShape shape, in CudaScanPlan plan, in CudaScanBackward<T> arguments, nint parts, nint target, long stride, nint stream)
        where T : unmanaged
    {
        if (parts == 0 || target == 0)
        {
            return;
        }

        var sum = new CudaScanSumRows
        {
            Parts = parts, Target = target, Stride = stride, FirstRow = arguments.FirstBatch * shape.Length,
            Rows = (arguments.LastBatch - arguments.FirstBatch) * shape.Length, Width = (long)shape.Groups * shape.States, Blocks = plan.GroupBlocks,
        };
        device.Launch(KernelSource.SelectiveScan, SumRows(KernelTypes.Name<T>()), Elementwise(sum.Rows * sum.Width), sum, stream);
    }

    private static void SumParameters<T>(GpuDevice device, in CudaScanPlan plan, nint parts, nint target, int channels, int states, nint stream)
        where T : unmanaged
    {
        if (target == 0)
        {
            return;
        }

        var sum = new CudaScanSumParameters { Parts = parts, Target = target, Count = plan.Parts, Channels = channels, States = states };
        device.Launch(KernelSource.SelectiveScan, SumParameters(StateName<T>()), Elementwise((long)channels * states), sum, stream);
    }

    private static LaunchSize Elementwise(long elements) => new((elements + SumThreads - 1) / SumThreads, SumThreads);

    /// <summary>Nothing that the faster of the two instances leaves out: N at most 16, B and C a position's, one sequence an entry, y the result, float sums.</summary>
    private static bool Plain<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs)
        where T : unmanaged =>
        shape.States <= CudaScanPlan.LaneStates * CudaScanPlan.MostLanes && shape.PerPositionB && shape.PerPositionC && !shape.ReturnStates
        && inputs.SequenceIndex == null && typeof(T) != typeof(double);

    private static string Instance(string kernel, bool plain, string type, int lanes) => $"{kernel}<{(plain ? "true" : "false")}, {type}, {CudaScanPlan.LaneStates}, {lanes}>";

    private static string Ends(string type) => $"scan_ends<{type}, {CudaScanPlan.LaneStates}, {CudaScanPlan.MostLanes}>";

    private static string Join(string parameters) => $"scan_join<{parameters}>";

    private static string SumRows(string type) => $"scan_sum_rows<{type}>";

    private static string SumParameters(string parameters) => $"scan_sum_parameters<{parameters}>";

    private static string StateName<T>()
        where T : unmanaged => KernelTypes.ParameterName(KernelTypes.Name<T>());
}
