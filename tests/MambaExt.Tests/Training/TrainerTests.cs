using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

public sealed class TrainerTests : TensorTests
{
    private static readonly TrainingOptions Plain = new() { epochs = 3, patience = 0, learning_rate = 0.05, weight_decay = 0.01, clip = 0 };

    [Theory]
    [InlineData("adamw", 0)]
    [InlineData("adamw", 0.1)]
    [InlineData("adam", 0)]
    [InlineData("sgd", 0)]
    [InlineData("sgd", 0.1)]
    public void Equals_a_bare_loop_bit_for_bit(string optimizer, double clip)
    {
        TrainingOptions options = Plain with { optimizer = optimizer, clip = clip, schedule = "cosine", warmup_steps = 2 };
        using nn.Module<Tensor, Tensor> trained = Toy.Model(dropout: 0.2), bare = Toy.Model(dropout: 0.2);
        manual_seed(3);
        Trainer.Run(WithoutValidation(trained), options);
        manual_seed(3);
        using OptimizerHelper own = optimizer == "sgd"
            ? optim.SGD(bare.parameters(), options.learning_rate, options.momentum, weight_decay: options.weight_decay)
            : optimizer == "adam" ? optim.Adam(bare.parameters(), options.learning_rate, weight_decay: options.weight_decay)
            : optim.AdamW(bare.parameters(), options.learning_rate, weight_decay: options.weight_decay);
        var schedule = new LearningRateSchedule(options, 4);
        TrainingTask<int[]> task = Toy.Task(bare);
        int step = 0;
        for (int epoch = 1; epoch <= options.epochs; epoch++)
        {
            foreach (int[] batch in task.Batches.Read(epoch, 0, default))
            {
                own.zero_grad();
                task.Loss(batch).backward();
                if (clip > 0)
                {
                    nn.utils.clip_grad_norm_(bare.parameters(), clip);
                }

                own.ParamGroups.First().LearningRate = options.learning_rate * schedule.Factor(step++);
                own.step();
            }
        }

        Assert.Equal(Toy.Weights(bare), Toy.Weights(trained));
    }

    [Theory]
    [InlineData("sgd", 0)]
    [InlineData("sgd", 0.5)]
    [InlineData("adamw", 0)]
    public void Accumulated_batches_of_unequal_size_are_one_large_batch(string optimizer, double clip)
    {
        TrainingOptions options = Plain with { optimizer = optimizer, clip = clip };
        using nn.Module<Tensor, Tensor> whole = Toy.Model(), parts = Toy.Model();
        TrainingOutcome one = Trainer.Run(Toy.Task(whole, Toy.Batches(Toy.Samples, shuffle: false)), options);
        TrainingOutcome many = Trainer.Run(Toy.Task(parts, Toy.Batches(shuffle: false)), options with { accumulate = 4 });
        Assert.Equal((3, 3), (one.Steps, many.Steps));
        Toy.Close(Toy.Weights(whole), Toy.Weights(parts), 1e-6);
    }

    [Fact]
    public void A_rest_that_does_not_fill_an_accumulation_is_a_step_of_its_own()
    {
        using nn.Module<Tensor, Tensor> parts = Toy.Model(), bare = Toy.Model();
        Assert.Equal(2, Trainer.Run(WithoutValidation(parts, shuffle: false), Plain with { epochs = 1, accumulate = 3, optimizer = "sgd" }).Steps);
        var two = new Fixed([[.. Enumerable.Range(0, 18)], [18, 19]]);
        Trainer.Run(Toy.Task(bare, two, () => default), Plain with { epochs = 1, optimizer = "sgd" });
        Toy.Close(Toy.Weights(bare), Toy.Weights(parts), 1e-6);
    }

    [Fact]
    public void The_reported_loss_is_the_mean_over_samples()
    {
        using nn.Module<Tensor, Tensor> parts = Toy.Model(), whole = Toy.Model();
        var host = new RecordingHost();
        Trainer.Run(Toy.Task(parts, Toy.Batches(shuffle: false)), Plain with { epochs = 1, accumulate = 4 }, host);
        Assert.Equal(Toy.Task(whole).Loss([.. Enumerable.Range(0, Toy.Samples)]).ToDouble(), Assert.Single(host.Epochs).TrainLoss, 1e-6);
    }

    [Fact]
    public void Weight_average_follows_its_formula_is_validated_and_kept_and_leaves_the_training_alone()
    {
        const double Decay = 0.7;
        using nn.Module<Tensor, Tensor> plain = Toy.Model(), averaged = Toy.Model();
        double[] start = Toy.Weights(plain);
        RecordingHost without = new(), with = new();
        List<double[]> validated = [];
        Trainer.Run(WithoutValidation(plain), Plain, without);
        TrainingOutcome outcome = Trainer.Run(Toy.Task(averaged, validate: Validate), Plain with { ema = Decay }, with);
        Assert.Equal(2, outcome.BestEpoch);

        // A state before the first step, one after each step, and one at the beginning of each further epoch; none after the last step.
        List<double[]> live = [.. with.States.Select(s => Flat(s, "model."))];
        Assert.Equal(without.States.Select(s => Flat(s, "model.")), live);
        double[] expected = start;
        int seen = 0;
        for (int i = 0; i < live.Count; i++)
        {
            bool step = i > 0 && !live[i].SequenceEqual(live[i - 1]);
            seen += step ? 1 : 0;
            expected = step ? [.. expected.Zip(live[i], (a, w) => (Decay * a) + ((1 - Decay) * w))] : expected;
            Toy.Close(expected, Flat(with.States[i], "average."), 1e-6);
            if (step && seen % 4 == 0)
            {
                Toy.Close(expected, validated[(seen / 4) - 1], 1e-6);
            }
        }

        Assert.Equal(11, seen);
        Assert.Equal(validated[1], Toy.Weights(averaged));
        Assert.NotEqual(validated[1], live[8]);

        Validation Validate()
        {
            validated.Add(Toy.Weights(averaged));
            return new Validation(validated.Count == 2 ? 1 : 0, 0);
        }
    }

    [Fact]
    public void Without_validation_the_last_average_is_kept()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        double[] start = Toy.Weights(model);
        var host = new RecordingHost();
        Trainer.Run(WithoutValidation(model), Plain with { epochs = 1, steps = 2, ema = 0.5 }, host);

        // The second step has no state of its own; the average that is kept lies halfway between the first average and it.
        double[] first = [.. start.Zip(Flat(host.States[1], "model."), (a, w) => (a + w) / 2)];
        using nn.Module<Tensor, Tensor> plain = Toy.Model();
        Trainer.Run(WithoutValidation(plain), Plain with { epochs = 1, steps = 2 });
        Toy.Close([.. first.Zip(Toy.Weights(plain), (a, w) => (a + w) / 2)], Toy.Weights(model), 1e-6);
        Assert.False(model.training);
    }

    [Theory]
    [InlineData(1, new[] { 0.5, 0.4, 0.9 }, 2, 1)]
    [InlineData(2, new[] { 0.5, 0.4, 0.3, 0.9 }, 3, 1)]
    [InlineData(2, new[] { 0.5, 0.4, 0.6, 0.3, 0.2, 0.9 }, 5, 3)]
    [InlineData(0, new[] { 0.5, 0.4, 0.3, 0.2, 0.1, 0.6 }, 6, 6)]
    public void Patience_counts_epochs_without_a_better_score(int patience, double[] scores, int epochs, int best)
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        int epoch = 0;
        TrainingOutcome outcome = Trainer.Run(
            Toy.Task(model, validate: () => new Validation(scores[epoch++], 0)), Plain with { epochs = scores.Length, patience = patience });
        Assert.Equal((epochs, best, scores[best - 1]), (outcome.Epochs, outcome.BestEpoch, outcome.Best!.Value.Score));
    }

    [Fact]
    public void Validation_comes_every_so_many_epochs_and_after_the_last()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        var host = new RecordingHost();
        TrainingOutcome outcome = Trainer.Run(Toy.Task(model), Plain with { epochs = 7, validate_every = 3 }, host);
        Assert.Equal([3, 6, 7], host.Epochs.Select(e => e.Epoch));
        Assert.Equal([12L, 24, 28], host.Epochs.Select(e => e.Step));
        Assert.Equal((7, 28L), (outcome.Epochs, outcome.Steps));
    }

    [Fact]
    public void A_steps_limit_ends_within_an_epoch_which_is_validated()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        var host = new RecordingHost();
        TrainingOutcome outcome = Trainer.Run(Toy.Task(model), Plain with { steps = 6, validate_every = 5, schedule = "cosine" }, host);
        EpochReport report = Assert.Single(host.Epochs);
        Assert.Equal((2, 6L, 2, 0.0), (report.Epoch, report.Step, outcome.Epochs, report.LearningRate));
        Assert.NotNull(report.Validation);
    }

    [Fact]
    public void The_model_ends_with_the_weights_of_the_best_epoch_in_evaluation_mode()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model(0.5);
        List<(double[] Weights, bool Training)> seen = [];
        TrainingOutcome outcome = Trainer.Run(Toy.Task(model, validate: Validate), Plain with { epochs = 5 });
        Assert.Equal((3, 2.0, 0.5), (outcome.BestEpoch, outcome.Best!.Value.Score, outcome.Best.Value.Loss));
        Assert.Equal(seen[2].Weights, Toy.Weights(model));
        Assert.All(seen, s => Assert.False(s.Training));
        Assert.False(model.training);
        Assert.True(seen.Select(s => s.Weights[0]).Distinct().Count() == 5);

        Validation Validate()
        {
            seen.Add((Toy.Weights(model), model.training));
            return new Validation(new[] { 1, 2, 2, 2, 1 }[seen.Count - 1], new[] { 0, 0.6, 0.5, 0.5, 0 }[seen.Count - 1]);
        }
    }

    [Fact]
    public void A_loss_that_is_no_number_names_step_batch_and_first_offender()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        TrainingTask<int[]> good = Toy.Task(model, Toy.Batches(shuffle: false), () => default);
        int calls = 0;
        TrainingTask<int[]> task = Change(good, batch => ++calls == 6 ? good.Loss(batch) * double.NaN : good.Loss(batch));
        Refusal.Of<InvalidOperationException>(
            () => Trainer.Run(task, Plain), "loss is NaN in step 6, epoch 2, batch 2 (samples 6 7 8 9 10 11)", "the gradient of first.weight is not finite", "lower the learning rate, now 0.05");
    }

    [Fact]
    public void A_weight_that_is_no_number_is_named_before_its_gradients()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        using (no_grad())
        {
            model.get_parameter("last.bias")!.fill_(double.PositiveInfinity);
        }

        Refusal.Of<InvalidOperationException>(() => Trainer.Run(Toy.Task(model), Plain), "loss is Infinity in step 1, epoch 1, batch 1 (samples", "the value of last.bias is not finite");
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(2, 1.0)]
    public void A_gradient_that_is_no_number_names_the_parameter_it_is_of(int accumulate, double clip)
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        TrainingTask<int[]> good = Toy.Task(model, Toy.Batches(shuffle: false), () => default);

        // The root of 0 is 0 and its slope infinite: times 0 a gradient that is no number under a loss that is one.
        TrainingTask<int[]> task = Change(good, batch => good.Loss(batch) + (model.get_parameter("last.bias")! * 0).sqrt().sum());
        Refusal.Of<InvalidOperationException>(
            () => Trainer.Run(task, Plain with { clip = clip, accumulate = accumulate }),
            $"gradient is not finite in step 1, epoch 1, batch {accumulate} (samples", "the gradient of last.bias is not finite");
    }

    [Fact]
    public void Training_leaves_no_tensor_behind()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        LeakCheck.LeavesNothing(() => WithoutScope(() => Trainer.Run(Toy.Task(model), Plain with { ema = 0.9, accumulate = 2, clip = 1 })));
    }

    [Fact]
    public void A_cancelled_training_finishes_its_step_and_offers_its_state()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        using var stop = new CancellationTokenSource();
        TrainingTask<int[]> good = Toy.Task(model);
        int calls = 0;
        var host = new QuietHost();
        TrainingTask<int[]> task = Change(good, batch =>
        {
            if (++calls == 6)
            {
                stop.Cancel();
            }

            return good.Loss(batch);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Trainer.Run(task, Plain, host, token: stop.Token));
        Assert.Equal((6L, 2, 2), Assert.Single(host.Saved));
    }

    private static TrainingTask<int[]> WithoutValidation(nn.Module<Tensor, Tensor> model, bool shuffle = true)
    {
        TrainingTask<int[]> task = Toy.Task(model, Toy.Batches(shuffle: shuffle));
        return new TrainingTask<int[]> { Model = task.Model, Batches = task.Batches, Loss = task.Loss, Weight = task.Weight };
    }

    private static TrainingTask<int[]> Change(TrainingTask<int[]> task, Func<int[], Tensor> loss) => new()
    {
        Model = task.Model, Batches = task.Batches, Loss = loss, Weight = task.Weight, Validate = task.Validate, Describe = task.Describe,
    };

    private static double[] Flat(Dictionary<string, float[]> state, string prefix) =>
        [.. state.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).SelectMany(t => t.Value).Select(w => (double)w)];

    private sealed class Fixed(int[][] batches) : IBatches<int[]>
    {
        public int Count => batches.Length;

        public IEnumerable<int[]> Read(int epoch, int first, CancellationToken token) => batches.Skip(first);
    }

    private sealed class QuietHost : ITrainingHost
    {
        public List<(long Step, int Epoch, int Batch)> Saved { get; } = [];

        public bool CheckpointDue => false;

        public StateBag? TakeResumed() => null;

        public void Report(EpochReport epoch)
        {
        }

        public void Attach(string path, byte[] content)
        {
        }

        public void Checkpoint(StateBag state) => Saved.Add((state.Value<long>("step"), state.Value<int>("epoch"), state.Value<int>("batch")));
    }
}
