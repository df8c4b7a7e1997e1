using System.Runtime.CompilerServices;
using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

/// <summary>A thousand training steps take no more memory than the first few hundred, in which the runtime compiles what runs.</summary>
public sealed class TrainingMemoryTests : TensorTests
{
    private const long Slack = 8L << 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_thousand_steps_leave_nothing_behind(bool scoped) => WithoutScope(() =>
    {
        using var model = new TwoBlocks();
        using var optimizer = Optimizers.AdamW(model, 1e-3, 1e-2);
        using Tensor hidden = randn(1, 16, 8);
        Steps(model, optimizer, hidden, 400, scoped);
        long tensors = LeakCheck.LiveTensors(), memory = LeakCheck.Resident();
        Steps(model, optimizer, hidden, 1000, scoped);

        // Resident as it comes, live tensors after a collection.
        long grown = LeakCheck.Resident() - memory;
        Assert.Equal(tensors, LeakCheck.LiveTensors());
        TestContext.Current.SendDiagnosticMessage("resident memory grew by {0:f1} MB over 1000 steps, dispose scopes: {1}", grown / 1048576.0, scoped);
        Assert.InRange(grown, long.MinValue, scoped ? Slack : 2 * Slack);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Steps(TwoBlocks model, optim.Optimizer optimizer, Tensor hidden, int count, bool scoped)
    {
        for (int step = 0; step < count; step++)
        {
            using DisposeScope? scope = scoped ? NewDisposeScope() : null;
            optimizer.zero_grad();
            Tensor loss = (model.forward(hidden) - hidden).square().mean();
            loss.backward();
            optimizer.step();
        }
    }

    private sealed class TwoBlocks : nn.Module<Tensor, Tensor>
    {
        private readonly MambaBlock first = new(new MambaOptions(8));
        private readonly RmsNorm norm = new(8);
        private readonly MambaBlock second = new(new MambaOptions(8));

        public TwoBlocks()
            : base(nameof(TwoBlocks)) => RegisterComponents();

        public override Tensor forward(Tensor hidden) => second.forward(norm.forward(hidden + first.forward(hidden)));
    }
}
