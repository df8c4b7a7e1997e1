namespace MambaExt.Training;

/// <summary>The learning rate of each step as a share of the largest: a function of the step alone, so that a resumed run goes on
/// where it was. Cosine: Loshchilov and Hutter, arXiv 1608.03983, without restarts.</summary>
/// <param name="options">Warm-up and form</param>
/// <param name="stepsPerEpoch">Optimizer steps of an epoch, 1 or more</param>
public sealed class LearningRateSchedule(TrainingOptions options, int stepsPerEpoch)
{
    /// <summary>Optimizer steps of the whole training.</summary>
    public long TotalSteps { get; } = options.steps > 0 ? Math.Min(options.steps, (long)options.epochs * stepsPerEpoch) : (long)options.epochs * stepsPerEpoch;

    /// <summary>The share at a step.</summary>
    /// <param name="step">From 0; steps behind the last keep its share</param>
    public double Factor(long step)
    {
        step = Math.Min(step, TotalSteps - 1);
        double warm = step < options.warmup_steps ? (step + 1.0) / options.warmup_steps : 1;
        return warm * options.schedule switch
        {
            "cosine" => Cosine(step),
            "step" => Math.Pow(options.decay_factor, step / stepsPerEpoch / options.decay_epochs),
            _ => 1,
        };
    }

    private double Cosine(long step)
    {
        // The fall begins where the warm-up ends and reaches its end with the last step.
        long length = TotalSteps - 1 - options.warmup_steps;
        double part = length <= 0 ? 0 : Math.Clamp((double)(step - options.warmup_steps) / length, 0, 1);
        return options.final_learning_rate + ((1 - options.final_learning_rate) * 0.5 * (1 + Math.Cos(Math.PI * part)));
    }
}
