using MambaExt.Blocks;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Benchmarks;

/// <summary>What the training layer costs above a bare loop over the same model, batches, clipping and optimizer, at a step of about 20 ms.
/// The two take turns, epoch by epoch, so that a machine that is busy with other work slows both.</summary>
internal static class OverheadBenchmark
{
    private const int Batch = 4, Length = 192, Width = 64, Steps = 10, Rounds = 41;

    public static void Run()
    {
        manual_seed(1);
        using var model = nn.Sequential(new MambaBlock(new MambaOptions(Width)), new MambaBlock(new MambaOptions(Width)), nn.Linear(Width, 8));
        using Tensor x = randn(Batch, Length, Width), y = randn(Batch, Length, 8);
        var batches = new ShuffledBatches<int>(Steps, 1, 1, (_, samples) => samples.Span[0]);
        var options = new TrainingOptions { epochs = 1, patience = 0, learning_rate = 1e-4 };
        var task = new TrainingTask<int> { Model = model, Batches = batches, Loss = _ => nn.functional.mse_loss(model.forward(x), y) };
        double[] bare = new double[Rounds], layer = new double[Rounds];
        for (int round = -3; round < Rounds; round++)
        {
            // Whoever begins a round alternates too.
            double a = round % 2 == 0 ? Time(Bare) : 0, b = Time(() => Trainer.Run(task, options));
            a = round % 2 == 0 ? a : Time(Bare);
            if (round >= 0)
            {
                (bare[round], layer[round]) = (a / Steps, b / Steps);
            }
        }

        double[] differences = [.. bare.Zip(layer, (a, b) => b - a)];
        (double loop, double trainer, double difference) = (Median(bare), Median(layer), Median(differences));
        Console.WriteLine($"bare loop {loop:f2} ms of processor time a step, training layer {trainer:f2} ms; medians of {Rounds} interleaved rounds of {Steps} steps");
        Console.WriteLine($"overhead {100 * (trainer / loop - 1):f2} % between the medians, {100 * difference / loop:f2} % as the median of the differences");

        void Bare()
        {
            model.train();
            using OptimizerHelper optimizer = optim.AdamW(model.parameters(), options.learning_rate, weight_decay: options.weight_decay);
            for (int step = 0; step < Steps; step++)
            {
                using DisposeScope scope = NewDisposeScope();
                optimizer.zero_grad();
                Tensor loss = nn.functional.mse_loss(model.forward(x), y);
                loss.backward();
                nn.utils.clip_grad_norm_(model.parameters(), options.clip);
                optimizer.step();
            }
        }
    }

    private static double Time(Action action)
    {
        // Processor time, that of the thread that makes batches included: it does not count what other processes take.
        TimeSpan start = Environment.CpuUsage.TotalTime;
        action();
        return (Environment.CpuUsage.TotalTime - start).TotalMilliseconds;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
