namespace MambaExt.Kernels.Cuda;

/// <summary>
/// The recurrence of Mamba-2 on a GPU, as <see cref="StateSpaceDuality"/> defines it. Sequences are float, double,
/// <see cref="BFloat16"/> or <see cref="Half"/>. Beside the last two, parameters and states are float32: the fields A, D, DtBias,
/// InitialState and LastState of inputs, outputs and gradients then point at floats. Every address is the device's. Nothing is allocated:
/// the caller passes a workspace, aligned to 256 bytes. Results are the same bits from run to run.
/// What is not finite reaches the positions that read it, and no other: none before it, none of another packed sequence.
/// </summary>
public static unsafe class CudaStateSpaceDuality
{
    private static readonly string[] Elements = ["float", "double", "bf16", "f16"];

    /// <summary>Every template instance that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. Elements.SelectMany(InstancesOf),
        .. new[] { "float", "double" }.SelectMany(r => new[] { Combine(r, false), Combine(r, true), ParameterGradients(r) }),
    ];

    /// <summary>See <see cref="KernelInstances.After"/>. Not the gradient of a gate, which a block with a norm has outside.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments)
    {
        if (kernel != "ssd_scores")
        {
            return [];
        }

        string t = arguments[0], r = KernelTypes.ParameterName(t);
        return
        [
            States(t, false), Outputs(t, false), Combine(r, false),
            $"ssd_inputs<{t}>", Selections(t, false), Selections(t, true), States(t, true), $"ssd_exchange<{t}>", $"ssd_step_gradients<{t}>",
            Combine(r, true), ParameterGradients(r), $"ssd_join<{t}>",
        ];
    }

    /// <summary>Elements, of a state's type, that the checkpoints take: the state before each chunk of 64 positions.</summary>
    public static long CheckpointElements(in StateSpaceDualityShape shape)
    {
        shape.Validate();
        return new CudaSsdPlan(shape, sizeof(float)).StateElements;
    }

    /// <summary>Bytes of the forward pass's workspace.</summary>
    /// <param name="shape">Sizes</param>
    /// <param name="checkpoints">The pass is given memory for checkpoints, so the workspace need not hold them</param>
    public static long ForwardWorkspaceBytes<T>(in StateSpaceDualityShape shape, bool checkpoints = false)
        where T : unmanaged
    {
        shape.Validate();
        var plan = new CudaSsdPlan(shape, KernelTypes.ParameterBytes<T>());
        return checked(plan.Forward.Bytes + (checkpoints ? 0 : plan.StateElements * KernelTypes.ParameterBytes<T>()));
    }

    /// <summary>Bytes of the backward pass's workspace.</summary>
    public static long BackwardWorkspaceBytes<T>(in StateSpaceDualityShape shape)
        where T : unmanaged
    {
        shape.Validate();
        return new CudaSsdPlan(shape, KernelTypes.ParameterBytes<T>()).Backward.Bytes;
    }

    /// <summary>Queues out, the last state if it has memory, and the checkpoints if they have.</summary>
    /// <param name="device">Where it runs</param>
    /// <param name="shape">Sizes and switches</param>
    /// <param name="inputs">Addresses of what is read</param>
    /// <param name="outputs">Addresses of what is written; the checkpoints are of a state's type, <see cref="CheckpointElements"/> of them</param>
    /// <param name="workspace"><see cref="ForwardWorkspaceBytes{T}"/> bytes</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Forward<T>(
        GpuDevice device, in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        StateSpaceDualityArguments.Require(shape, inputs, outputs);
        var plan = new CudaSsdPlan(shape, KernelTypes.ParameterBytes<T>());
        CudaSsdArguments arguments = CudaSsdArguments.Of(shape, plan, inputs);
        arguments.Set(outputs);
        Place(ref arguments, plan, workspace);
        arguments.Before = outputs.Checkpoints == null ? workspace + (nint)plan.Forward.Bytes : (nint)outputs.Checkpoints;
        var queue = new Queue<T>(device, plan, arguments, stream);
        queue.Scores();

        // One chunk without a state before it reads none.
        if (plan.Chunks > 1 || inputs.InitialState != null || outputs.LastState != null)
        {
            queue.States(gradient: false);
        }

        queue.Outputs(gradient: false);
    }

    /// <summary>Queues the gradients, from the checkpoints that the forward pass left.</summary>
    /// <param name="device">Where it runs</param>
    /// <param name="shape">Sizes and switches</param>
    /// <param name="inputs">What the forward pass read</param>
    /// <param name="checkpoints">What it left</param>
    /// <param name="gradients">Addresses of gradients; a null pointer is one that nobody needs</param>
    /// <param name="workspace"><see cref="BackwardWorkspaceBytes{T}"/> bytes</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Backward<T>(
        GpuDevice device, in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, nint checkpoints, in StateSpaceDualityGradients<T> gradients, nint workspace,
        nint stream = 0)
        where T : unmanaged
    {
        StateSpaceDualityArguments.Require(shape, inputs, checkpoints != 0, gradients);
        var plan = new CudaSsdPlan(shape, KernelTypes.ParameterBytes<T>());
        CudaSsdArguments arguments = CudaSsdArguments.Of(shape, plan, inputs);
        arguments.Set(gradients);
        Place(ref arguments, plan, workspace);
        arguments.Before = checkpoints;
        arguments.After = plan.Backward.Address(workspace, 1);
        arguments.Pairs = plan.Backward.Address(workspace, 2);
        arguments.PartialB = plan.Backward.Address(workspace, 3);
        arguments.PartialC = plan.Backward.Address(workspace, 4);
        arguments.Crossing = plan.Backward.Address(workspace, 5);
        arguments.Reading = plan.Backward.Address(workspace, 6);
        arguments.Written = plan.Backward.Address(workspace, 7);
        arguments.Through = plan.Backward.Address(workspace, 8);
        arguments.Carried = plan.Backward.Address(workspace, 9);
        arguments.SumsA = plan.Backward.Address(workspace, 10);
        arguments.SumsBias = plan.Backward.Address(workspace, 11);
        arguments.SumsSkip = plan.Backward.Address(workspace, 12);
        var queue = new Queue<T>(device, plan, arguments, stream);
        queue.Scores();
        queue.States(gradient: true);
        if (inputs.Z != null && gradients.Z != null)
        {
            queue.Outputs(gradient: true);
        }

        queue.Exchange();
        queue.Selections(ofB: false);
        if (gradients.B != null)
        {
            queue.Selections(ofB: true);
        }

        queue.Join();
        queue.Inputs();
        queue.Parameters();
    }

    private static void Place(ref CudaSsdArguments arguments, in CudaSsdPlan plan, nint workspace)
    {
        arguments.Scores = plan.Forward.Address(workspace, 0);
        arguments.Factors = plan.Forward.Address(workspace, 1);
    }

    private static IEnumerable<string> InstancesOf(string t) =>
    [
        $"ssd_scores<{t}>", States(t, false), States(t, true), Outputs(t, false), Outputs(t, true), $"ssd_exchange<{t}>", Selections(t, false), Selections(t, true),
        $"ssd_join<{t}>", $"ssd_inputs<{t}>", $"ssd_step_gradients<{t}>",
    ];

    private static string States(string t, bool gradient) => $"ssd_states<{t}, {Word(gradient)}>";

    private static string Combine(string r, bool gradient) => $"ssd_combine<{r}, {Word(gradient)}>";

    private static string Outputs(string t, bool gradient) => $"ssd_outputs<{t}, {Word(gradient)}>";

    private static string Selections(string t, bool ofB) => $"ssd_selections<{t}, {Word(ofB)}>";

    private static string ParameterGradients(string r) => $"ssd_parameter_gradients<{r}>";

    private static string Word(bool value) => value ? "true" : "false";

    /// <summary>The kernels of one pass, with their grids.</summary>
    private readonly struct Queue<T>(GpuDevice device, CudaSsdPlan plan, CudaSsdArguments arguments, nint stream)
        where T : unmanaged
    {
        private readonly string _t = KernelTypes.Name<T>(), _r = KernelTypes.ParameterName(KernelTypes.Name<T>());

        public void Scores() => Launch($"ssd_scores<{_t}>", plan.Groups, plan.ProductBytes);

        public void States(bool gradient)
        {
            Launch(CudaStateSpaceDuality.States(_t, gradient), plan.Walk ? plan.Walks : checked(plan.Walks * plan.Chunks), plan.HeadBytes);
            if (!plan.Walk)
            {
                Launch(Combine(_r, gradient), plan.CombineBlocks, 0);
            }
        }

        public void Outputs(bool gradient) => Launch(CudaStateSpaceDuality.Outputs(_t, gradient), checked(plan.Entries * plan.WidthTiles), plan.HeadBytes);

        public void Exchange() => Launch($"ssd_exchange<{_t}>", checked(plan.Groups * plan.Splits), plan.PairBytes);

        public void Selections(bool ofB) =>
            Launch(CudaStateSpaceDuality.Selections(_t, ofB), checked(plan.Groups * plan.Splits * plan.StateTiles), plan.HeadBytes);

        public void Join()
        {
            if (plan.Splits > 1)
            {
                Launch($"ssd_join<{_t}>", plan.JoinBlocks, 0);
            }
        }

        public void Inputs() => Launch($"ssd_inputs<{_t}>", checked(plan.Entries * plan.WidthTiles), plan.HeadBytes);

        public void Parameters()
        {
            Launch($"ssd_step_gradients<{_t}>", plan.Entries, plan.StepBytes, CudaSsdPlan.StepThreads);
            Launch(ParameterGradients(_r), arguments.Heads, CudaSsdPlan.SumBytes);
        }

        private void Launch(string instance, long blocks, int sharedBytes, int threads = CudaSsdPlan.Threads) =>
            device.Launch(KernelSource.StateSpaceDuality, instance, new LaunchSize(blocks, threads, sharedBytes), arguments, stream);
    }
}
