using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

/// <summary>The graph model through the launches of a GPU, which the emulator runs on the memory of CPU tensors.</summary>
public class GraphMambaGpuTests
{
    [Theory]
    [InlineData(MessagePassing.Sage)]
    [InlineData(MessagePassing.Appnp)]
    [InlineData(MessagePassing.Gat)]
    [InlineData(MessagePassing.GatedGcn)]
    public void Graph_model_gives_what_the_cpu_gives(MessagePassing mpnn)
    {
        set_num_threads(1);
        manual_seed(5);
        using DisposeScope scope = NewDisposeScope();
        NodeDataSet data = MinesweeperGrid.Draw(0, 6, 6);
        var options = new GraphMambaOptions { d_model = 8, d_state = 4, M = 2, m = 2, mpnn = mpnn, mpnn_layers = 2, node_layers = 1, dropout = 0 };
        using var inputs = new GraphInputs(data.Graph, data.Features, 3);
        using var model = new GraphMamba(data.Features.Columns, 1, options);
        (Tensor Logits, Tensor[] Gradients) right = Step(), got, again;
        using (EmulatedGpu gpu = Emulated.Gpu())
        using (GpuDevices.Declare(gpu))
        {
            got = Step();
            again = Step();
        }

        Assert.All(got.Gradients.Zip(again.Gradients), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>(), "two runs, two results"));

        Close(right.Logits, got.Logits);
        foreach (var (a, b) in right.Gradients.Zip(got.Gradients))
        {
            Close(a, b);
        }

        (Tensor, Tensor[]) Step()
        {
            model.zero_grad();
            Tensor logits = model.forward(inputs);
            (logits * logits.cos()).sum().backward();
            return (logits.detach(), [.. model.parameters().Where(p => p.grad is not null).Select(p => p.grad!.clone())]);
        }
    }

    [Fact]
    public void A_model_that_moves_takes_everything_along()
    {
        using DisposeScope scope = NewDisposeScope();
        var options = new GraphMambaOptions { d_model = 8, d_state = 4, M = 2, m = 2, mpnn = MessagePassing.Gcn, mpnn_layers = 2, node_layers = 1 };
        using var model = new GraphMamba(5, 2, options);
        model.to(META);
        Assert.NotEmpty(model.parameters());
        Assert.All(model.named_parameters(), p => Assert.True(p.parameter.device_type == DeviceType.META, p.name));
        Assert.All(model.named_buffers(), b => Assert.True(b.buffer.device_type == DeviceType.META, b.name));
    }

    private static void Close(Tensor a, Tensor b)
    {
        Assert.Equal(a.shape, b.shape);
        double error = (a - b).abs().max().ToDouble(), scale = 1e-3 + a.abs().max().ToDouble();
        Assert.True(error <= 5e-5 * scale, $"error {error:e1} beside {scale:e1}");
    }
}
