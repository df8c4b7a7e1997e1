using System.Runtime.CompilerServices;
using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

/// <summary>A thousand training steps leave nothing behind.</summary>
public sealed class TrainingMemoryTests : TensorTests
{
    // What is kept on purpose is full by then: freed scalars (Native/ScalarLifetime), and what the runtime compiles.
    private const int WarmUp = 2500;
    private const int Windows = 5;
    private const int StepsOfAWindow = 200;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_thousand_steps_leave_nothing_behind(bool scoped) => WithoutScope(() =>
    {
        using var model = new TwoBlocks();
        using var optimizer = Optimizers.AdamW(model, 1e-3, 1e-2);
        using Tensor hidden = randn(1, 16, 8);
        Steps(model, optimizer, hidden, WarmUp, scoped);
        LeakCheck.Collect();
        long tensors = LeakCheck.LiveTensors(), first = LeakCheck.Resident(), before = first;
        var grown = new long[Windows];
        for (int window = 0; window < Windows; window++)
        {
            Steps(model, optimizer, hidden, StepsOfAWindow, scoped);
            LeakCheck.Collect();
            long now = LeakCheck.Resident();
            (grown[window], before) = (now - before, now);
        }

        Assert.InRange(LeakCheck.LiveTensors(), 0, tensors);

        // A leak grows in every window; what the runtime compiles grows in the first ones.
        string report = $"resident memory grew by {string.Join(", ", grown.Select(g => g >> 10))} KiB per {StepsOfAWindow} steps";
        TestContext.Current.SendDiagnosticMessage(report);
        Assert.True(grown.Min() < 1 << 20, report);
        Assert.True(before - first < 32 << 20, report);
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
        private readonly MambaBlock first = new(new MambaOptions(8) { d_state = 4 });
        private readonly RmsNorm norm = new(8);
        private readonly MambaBlock second = new(new MambaOptions(8) { d_state = 4 });

        public TwoBlocks()
            : base(nameof(TwoBlocks)) => RegisterComponents();

        public override Tensor forward(Tensor hidden) => second.forward(norm.forward(hidden + first.forward(hidden)));
    }
}
