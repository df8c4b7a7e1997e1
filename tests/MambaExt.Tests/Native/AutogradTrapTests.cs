using MambaExt.Blocks;
using MambaExt.Native;
using MambaExt.Scan;
using MambaExt.Sparse;
using MambaExt.Tests.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

/// <summary>What goes wrong with custom autograd functions when managed wrappers die early.</summary>
public sealed class AutogradTrapTests : TensorTests
{
    private static readonly ScanCase Case = ScanCase.Full with { Packed = true, Length = 70 };

    [Fact]
    public void Temporaries_may_die_with_their_scope_before_backward()
    {
        Tensor x = Draw(2, 9, 5).requires_grad_(), twin = Leaf(x);
        Tensor expected = Chain(twin);
        expected.sum().backward();
        Tensor y;
        using (DisposeScope outer = NewDisposeScope())
        {
            using DisposeScope inner = NewDisposeScope();
            y = Chain(x).MoveToOuterDisposeScope().MoveToOuterDisposeScope();
        }

        LeakCheck.Collect();
        y.sum().backward();
        TensorAssert.Same(expected, y);
        TensorAssert.Same(twin.grad!, x.grad);
    }

    [Fact]
    public void Temporaries_may_be_collected_before_backward() => WithoutScope(() =>
    {
        Tensor x = Draw(2, 9, 5).requires_grad_(), twin = Leaf(x);
        Chain(twin).sum().backward();
        Tensor y = Chain(x);
        LeakCheck.Collect();
        y.sum().backward();
        LeakCheck.Collect();
        TensorAssert.Same(twin.grad!, x.grad);
    });

    [Fact]
    public void Collections_while_operators_run_change_nothing()
    {
        Dictionary<string, Tensor> leaves = Case.Draw();
        Tensor? sequences = Case.Sequences();
        Tensor expected = Run();
        using var done = new ManualResetEventSlim();
        var collector = new Thread(() =>
        {
            while (!done.IsSet)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
                Thread.Sleep(1);
            }
        });
        collector.Start();
        try
        {
            WithoutScope(() =>
            {
                for (int i = 0; i < 60; i++)
                {
                    TensorAssert.Same(expected, Run(), $"gradients of round {i}");
                }
            });
        }
        finally
        {
            done.Set();
            collector.Join();
        }

        // Every input is a temporary that nobody holds once our operator has it. TorchSharp's own calls are not safe that way: a wrapper whose
        // last use is the call may be finalized while native code reads it. So everything of theirs is held until it has returned.
        Tensor Run()
        {
            Dictionary<string, Tensor> fresh = leaves.ToDictionary(p => p.Key, p => Held(p.Value.detach(), d => d.clone()).requires_grad_(p.Value.is_floating_point()));
            var (y, last) = Case.Run(Copies(fresh), sequences);
            using (no_grad())
            {
                TensorAssert.Same(y, Case.Run(Copies(fresh), sequences).Out, "out without gradients");
            }

            using (NewDisposeScope())
            {
                (y.sum() + last!.sum()).backward();
                Tensor gradients = cat(fresh.Values.Select(f => f.grad!.flatten()).ToArray()).DetachFromDisposeScope();
                GC.KeepAlive(y);
                return gradients;
            }
        }

        static Dictionary<string, Tensor> Copies(Dictionary<string, Tensor> held)
        {
            Dictionary<string, Tensor> copies = held.ToDictionary(p => p.Key, p => p.Value.alias());
            GC.KeepAlive(held);
            return copies;
        }

        static Tensor Held(Tensor tensor, Func<Tensor, Tensor> use)
        {
            Tensor result = use(tensor);
            GC.KeepAlive(tensor);
            return result;
        }
    }

    [Fact]
    public void Backward_twice_with_retain_graph_adds_the_same_again()
    {
        Tensor x = Draw(2, 9, 5).requires_grad_();
        Tensor loss = Chain(x).sum();
        loss.backward(retain_graph: true);
        Tensor once = x.grad!.clone();
        LeakCheck.Collect();
        loss.backward();
        TensorAssert.Same(once * 2, x.grad);
    }

    [Fact]
    public void Backward_with_create_graph_leaves_the_plain_one_possible()
    {
        Tensor x = Draw(2, 9, 5).requires_grad_();
        Tensor loss = Chain(x).sum();
        IList<Tensor> composed = autograd.grad([loss], [x], null, true, true);
        loss.backward();
        TensorAssert.Close(x.grad!, composed[0], 1e-11);
    }

    [Fact]
    public void Recorded_operators_leave_no_tensor_behind() => LeakCheck.LeavesNothing(() => WithoutScope(() =>
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Draw(2, 9, 5).requires_grad_();
        Chain(x).sum().backward();
        Chain(x);
        autograd.grad([Chain(x).sum()], [x], null, true, true);
    }));

    [Fact]
    public void Two_threads_may_train_at_once()
    {
        Tensor[] hidden = [randn(2, 12, 8), randn(2, 12, 8)];
        using DisposeScope scope = NewDisposeScope();
        MambaBlock[] blocks = [new(new MambaOptions(8)), new(new MambaOptions(8))], twins = [new(new MambaOptions(8)), new(new MambaOptions(8))];
        using (no_grad())
        {
            foreach (var (twin, block) in twins.Zip(blocks))
            {
                twin.load_state_dict(block.state_dict());
            }
        }

        double[] alone = [Train(twins[0], hidden[0]), Train(twins[1], hidden[1])];
        var together = new double[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            set_num_threads(1);
            together[i] = Train(blocks[i], hidden[i]);
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(alone, together);

        static double Train(MambaBlock block, Tensor hidden)
        {
            using var optimizer = optim.SGD(block.parameters(), 0.1);
            double last = 0;
            for (int step = 0; step < 25; step++)
            {
                using DisposeScope scope = NewDisposeScope();
                optimizer.zero_grad();
                Tensor loss = (block.forward(hidden) - hidden).square().mean();
                loss.backward();
                optimizer.step();
                last = loss.item<float>();
            }

            GradientKeeper.Release();
            return last;
        }
    }

    /// <summary>Scan, convolution and sparse sums on temporaries only.</summary>
    private static Tensor Chain(Tensor x)
    {
        manual_seed(5);
        Tensor u = CausalConv1d.Apply(x * 1.5, Draw(5, 1, 3), Draw(5), initial_states: Draw(2, 2, 5));
        Tensor both = cat([u, u.sin()], 2);
        var (y, last) = SelectiveScan.ApplyWithState(both.narrow(2, 0, 5), both.narrow(2, 5, 5), -Draw(5, 3).abs(), Draw(2, 9, 3) * 1, both.narrow(2, 1, 3), z: u * 2, delta_softplus: true);
        Tensor sparse = Shared.Multiply(y.view(18, 5) * 1) + Shared.GatedSum(y.view(18, 5).cos(), y.view(18, 5).narrow(0, 0, 3) * 1);
        return sparse.sum(0L) + last.sum(new long[] { 0, 2 });
    }

    private static readonly CsrMatrix Shared = new(18, [0, 1, 1, 3], [4, 17, 2], [1, 2, 3]);
}
