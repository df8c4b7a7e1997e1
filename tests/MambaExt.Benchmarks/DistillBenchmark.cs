using System.Diagnostics;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Benchmarks;

/// <summary>Images a second that the MNIST teacher of distill/README.md is trained with: batch 256, AdamW and clipping included.</summary>
internal static class DistillBenchmark
{
    private const int Batch = 256, Steps = 20, Rounds = 5;

    public static void Run()
    {
        foreach (int threads in new[] { 1, 2 })
        {
            Compute.Threads = threads;
            set_num_threads(threads);
            manual_seed(1);
            using var teacher = new PatchMamba(new PatchMambaOptions());
            using Tensor x = randn(Batch, 1, 28, 28), y = randint(10, [Batch]);
            var batches = new ShuffledBatches<int>(Steps, 1, 1, (_, samples) => samples.Span[0]);
            var options = new TrainingOptions { epochs = 1, patience = 0, learning_rate = 1e-4 };
            var task = new TrainingTask<int> { Model = teacher, Batches = batches, Loss = _ => nn.functional.cross_entropy(teacher.forward(x), y) };
            double[] wall = new double[Rounds], busy = new double[Rounds];
            for (int round = -2; round < Rounds; round++)
            {
                TimeSpan before = Environment.CpuUsage.TotalTime;
                long start = Stopwatch.GetTimestamp();
                Trainer.Run(task, options);
                if (round >= 0)
                {
                    wall[round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    busy[round] = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
                }
            }

            Console.WriteLine($"teacher {teacher.Options.Size}, {threads} thread(s): at best {Batch * Steps / wall.Min():f0} images/s, {busy.Min() / Steps * 1e3:f1} ms of processor time a step of {Batch}");
        }
    }
}
