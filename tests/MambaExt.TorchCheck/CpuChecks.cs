using MambaExt.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.TorchCheck;

/// <summary>Tensors, gradients and parameters on the CPU.</summary>
internal static class CpuChecks
{
    public static IReadOnlyList<(string Name, Func<string> Check)> All { get; } =
    [
        ("matrix product", Product),
        ("gradient steps", Steps),
        ("parameters of a block", Parameters),
        ("a block trains on the CPU", () => Train(CPU)),
    ];

    /// <summary>The loss over twenty steps of a block that learns to repeat the position before.</summary>
    public static string Train(Device device)
    {
        manual_seed(1);
        using var block = new MambaBlock(new MambaOptions(16) { d_state = 8 });
        block.to(device);
        using var optimizer = optim.AdamW(block.parameters(), 0.01);
        Tensor x = randn(4, 32, 16).to(device), y = x.roll(1, 1);
        double first = 0, last = 0;
        for (int step = 0; step < 20; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = (block.forward(x) - y).square().mean();
            loss.backward();
            optimizer.step();
            last = loss.ToDouble();
            first = step == 0 ? last : first;
        }

        return last < 0.95 * first ? $"loss {first:f3} to {last:f3}" : throw new InvalidOperationException($"the loss went from {first:f3} to {last:f3}, and should fall");
    }

    private static string Product()
    {
        Tensor a = arange(12, ScalarType.Float64).view(3, 4);
        double sum = a.matmul(a.t()).sum().ToDouble();
        return sum == 1134 ? "right" : throw new InvalidOperationException($"the sum of A A' is {sum}, not 1134");
    }

    private static string Steps()
    {
        manual_seed(0);
        using Linear linear = nn.Linear(8, 1);
        using var optimizer = optim.SGD(linear.parameters(), 0.1);
        Tensor x = randn(64, 8), y = x.sum(1, keepdim: true);
        double first = 0, last = 0;
        for (int step = 0; step < 50; step++)
        {
            optimizer.zero_grad();
            Tensor loss = (linear.forward(x) - y).square().mean();
            loss.backward();
            optimizer.step();
            last = loss.ToDouble();
            first = step == 0 ? last : first;
        }

        return last < 0.01 * first ? $"loss {first:f3} to {last:e1}" : throw new InvalidOperationException($"the loss went from {first:f3} to {last:f3}, and should fall");
    }

    /// <summary>A program that was trimmed too far has none.</summary>
    private static string Parameters()
    {
        using var block = new MambaBlock(new MambaOptions(16));
        using var second = new Mamba2Block(new Mamba2Options(64) { d_state = 16, headdim = 16 });
        int count = block.named_parameters().Count(), other = second.named_parameters().Count();
        return count == 9 && other == 8 ? $"{count} and {other}" : throw new InvalidOperationException($"there are {count} and {other} parameters, not 9 and 8");
    }
}
