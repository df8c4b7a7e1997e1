using MambaExt.Checkpoints;
using MambaExt.Tests.Shared;
using MambaExt.Vision;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Vision;

public sealed class BackboneTests : TensorTests
{
    public static TheoryData<string, long, int, int, int> Networks => new()
    {
        { "resnet12", 12_424_320, 84, 640, 5 },
        { "resnet12", 12_424_320, 32, 640, 2 },
        { "resnet18", 11_176_512, 224, 512, 7 },
        { "resnet20", 272_474 - 650, 32, 64, 8 },
        { "small", 1_227_488, 32, 256, 4 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Published_networks_have_their_parameters_and_maps(string name, long parameters, int size, int channels, int map)
    {
        using Backbone network = Make(name);
        network.eval();
        using IDisposable _ = no_grad();
        Assert.Equal([1, channels, map, map], network.forward(zeros(1, 3, size, size)).shape);
        Assert.Equal((channels, map), (network.Channels, network.MapSize(size)));

        // libtorch has no convolution on the meta device; parameters it holds there.
        network.to(META);
        Assert.Equal(parameters, network.ParameterCount);
        Assert.All(network.named_parameters(), p => Assert.Equal(DeviceType.META, p.parameter.device_type));
    }

    [Fact]
    public void Names_are_torchvisions()
    {
        using var network = new ResNet(ResNetOptions.ResNet18);
        string[] names = [.. network.named_parameters().Select(p => p.name)];
        Assert.Equal(60, names.Length);
        Assert.Superset(
            (ISet<string>)new HashSet<string> { "conv1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer1.1.bn2.weight", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias", "layer4.1.conv2.weight" },
            new HashSet<string>(names));
        Assert.Contains("layer4.1.bn2.running_var", network.named_buffers().Select(b => b.name));
    }

    [Fact]
    public void Torchvision_weights_load_by_name_beside_their_classifier()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "resnet.safetensors");
        var options = ResNetOptions.ResNet20(4);
        using ResNet published = new(options), network = new(options);
        IEnumerable<(string, Tensor)> state =
        [
            .. published.named_parameters().Select(p => (p.name, (Tensor)p.parameter)),
            .. published.named_buffers().Where(b => !b.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Select(b => (b.name, b.buffer)),
            ("fc.weight", zeros(10, 16)), ("fc.bias", zeros(10)),
        ];
        SafetensorsTensors.Save(path, state);
        TorchvisionWeights.LoadInto(network, path);
        network.eval();
        published.eval();
        Tensor images = rand(2, 3, 16, 16);
        TensorAssert.Same(published.forward(images), network.forward(images));

        SafetensorsTensors.Save(path, state.Where(s => s.Item1 != "layer3.1.conv1.weight").Append(("head", zeros(1))));
        string message = Assert.Throws<InvalidDataException>(() => TorchvisionWeights.LoadInto(network, path)).Message;
        Assert.Contains("1 missing: layer3.1.conv1.weight; 1 unexpected: head", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resnet_12_block_is_its_definition()
    {
        using var block = new ResNet12(inputChannels: 2);
        block.to(ScalarType.Float64);
        block.eval();
        Dictionary<string, Tensor> p = block.named_parameters().Select(n => (n.name, (Tensor)n.parameter)).Concat(block.named_buffers().Select(b => (b.name, b.buffer))).ToDictionary(n => n.name, n => n.Item2);
        Tensor x = Draw(2, 2, 16, 16), expected = x;
        using IDisposable _ = no_grad();
        foreach (string stage in new[] { "layer1.", "layer2.", "layer3.", "layer4." })
        {
            p[stage + "bn1.running_mean"].normal_();
            p[stage + "bn3.running_var"].uniform_(0.5, 2);
            Tensor y = Leaky(Norm(Convolve(expected, "conv1", 1), "bn1"));
            y = Leaky(Norm(Convolve(y, "conv2", 1), "bn2"));
            y = Norm(Convolve(y, "conv3", 1), "bn3") + Norm(Convolve(expected, "downsample.0", 0), "downsample.1");
            y = Leaky(y);
            long side = y.shape[2] / 2;
            expected = y.reshape(2, -1, side, 2, side, 2).amax([3L, 5L]);

            Tensor Convolve(Tensor t, string name, long padding) => nn.functional.conv2d(t, p[stage + name + ".weight"], padding: [padding, padding]);

            Tensor Norm(Tensor t, string name) =>
                (t - Channel(name + ".running_mean")) / (Channel(name + ".running_var") + 1e-5).sqrt() * Channel(name + ".weight") + Channel(name + ".bias");

            Tensor Channel(string name) => p[stage + name].reshape(1, -1, 1, 1);
        }

        TensorAssert.Close(expected, block.forward(x), 1e-10);

        static Tensor Leaky(Tensor t) => where(t > 0, t, t * 0.1);
    }

    [Fact]
    public void Initial_weights_have_the_spread_of_their_fan_out()
    {
        using var network = new ResNet12();
        Tensor weight = network.named_parameters().First(p => p.name == "layer4.conv2.weight").parameter;
        double expected = Math.Sqrt(2 / (1 + 0.01)) / Math.Sqrt(640 * 9);
        Assert.InRange(weight.std().item<float>() / expected, 0.995, 1.005);
    }

    [Theory]
    [InlineData("resnet12")]
    [InlineData("small")]
    public void Training_reaches_every_parameter_and_leaves_no_tensor_alive(string name)
    {
        using Backbone network = Make(name);
        Tensor images = rand(2, 3, 32, 32);
        LeakCheck.LeavesNothing(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            network.zero_grad();
            network.forward(images).pow(2).sum().backward();
            Assert.All(network.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
        });
    }

    [Fact]
    public void Images_it_cannot_take_are_refused()
    {
        using Backbone network = Make("resnet12");
        Refusal.Of<ArgumentException>(() => network.forward(zeros(1, 1, 32, 32)), "[1, 1, 32, 32]", "[B, 3, H, W]");
        Refusal.Of<ArgumentException>(() => network.forward(zeros(1, 3, 8, 8)), "[1, 3, 8, 8]");
        Refusal.Of<ArgumentException>(() => new ResNet(new ResNetOptions { stem = "x", blocks = [1], widths = [8, 8], strides = [1] }), "stem is 'x'", "1, 2 and 1 entries");
    }

    private static Backbone Make(string name) => name switch
    {
        "resnet12" => new ResNet12(),
        "resnet18" => new ResNet(ResNetOptions.ResNet18),
        "resnet20" => new ResNet(ResNetOptions.ResNet20()),
        _ => new ResNet(ResNetOptions.Small),
    };
}
