using MambaExt.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Optimizers with the parameter groups that Mamba models want, and their state in and out of a <see cref="StateBag"/>.</summary>
public static class Optimizers
{
    /// <summary>The optimizer that <paramref name="options"/> name, in two groups: parameters that
    /// <see cref="MambaBlock.NoWeightDecay"/> names go without decay.</summary>
    /// <param name="parameters">Those that require no gradient are left out</param>
    /// <param name="options">Which optimizer, and its numbers</param>
    /// <param name="share">Part of the learning rate that a parameter gets, by its name; default all of it. Each part has groups of its own</param>
    /// <param name="plain">Which parameters go without decay beside those, by their names; default none</param>
    public static OptimizerHelper Create(
        IEnumerable<(string Name, Parameter Parameter)> parameters, TrainingOptions options, Func<string, double>? share = null, Func<string, bool>? plain = null)
    {
        ILookup<(bool Plain, double Share), Parameter> groups =
            parameters.Where(p => p.Parameter.requires_grad).ToLookup(p => (MambaBlock.NoWeightDecay(p.Name) || plain?.Invoke(p.Name) == true, share?.Invoke(p.Name) ?? 1), p => p.Parameter);
        if (!groups.Any())
        {
            throw new ArgumentException("The model has no parameter that requires a gradient; there is nothing to train.");
        }

        double rate = options.learning_rate, decay = options.weight_decay;
        return options.optimizer switch
        {
            "sgd" => optim.SGD(
                [.. groups.Select(g => new SGD.ParamGroup(g, rate * g.Key.Share, options.momentum, weight_decay: g.Key.Plain ? 0 : decay, nesterov: options.nesterov))],
                rate, options.momentum, weight_decay: decay, nesterov: options.nesterov),
            "adam" => optim.Adam([.. groups.Select(g => new Adam.ParamGroup(g, rate * g.Key.Share, weight_decay: g.Key.Plain ? 0 : decay))], rate, weight_decay: decay),
            _ => optim.AdamW([.. groups.Select(g => new AdamW.ParamGroup(g, rate * g.Key.Share, weight_decay: g.Key.Plain ? 0 : decay))], rate, weight_decay: decay),
        };
    }

    /// <summary>AdamW over the parameters of <paramref name="model"/>, in the two groups of <see cref="Create"/>.</summary>
    public static OptimizerHelper AdamW(nn.Module model, double learningRate, double weightDecay)
    {
        var options = new TrainingOptions { learning_rate = learningRate, weight_decay = weightDecay };
        options.Validate();
        return Create(model.named_parameters(), options);
    }

    /// <summary>Puts the moments and step counts into <paramref name="bag"/>, one set a parameter in the optimizer's own order.</summary>
    public static void Save(OptimizerHelper optimizer, StateBag bag)
    {
        foreach (var (name, state) in States(optimizer))
        {
            switch (state)
            {
                case AdamW.State adam:
                    (bag.Values[name + ".step"], bag.Tensors[name + ".exp_avg"], bag.Tensors[name + ".exp_avg_sq"]) = (adam.step, adam.exp_avg, adam.exp_avg_sq);
                    break;
                case Adam.State adam:
                    (bag.Values[name + ".step"], bag.Tensors[name + ".exp_avg"], bag.Tensors[name + ".exp_avg_sq"]) = (adam.step, adam.exp_avg, adam.exp_avg_sq);
                    break;
                case SGD.State { momentum_buffer: not null } sgd:
                    bag.Tensors[name + ".momentum_buffer"] = sgd.momentum_buffer;
                    break;
            }
        }
    }

    /// <summary>Takes back what <see cref="Save"/> put there.</summary>
    public static void Load(OptimizerHelper optimizer, StateBag bag)
    {
        Device device = optimizer.parameters().First().device;
        foreach (var (name, state) in States(optimizer))
        {
            switch (state)
            {
                case AdamW.State adam:
                    adam.step = bag.Value<long>(name + ".step");
                    bag.CopyTo(name + ".exp_avg", adam.exp_avg);
                    bag.CopyTo(name + ".exp_avg_sq", adam.exp_avg_sq);
                    break;
                case Adam.State adam:
                    adam.step = bag.Value<long>(name + ".step");
                    bag.CopyTo(name + ".exp_avg", adam.exp_avg);
                    bag.CopyTo(name + ".exp_avg_sq", adam.exp_avg_sq);
                    break;
                case SGD.State sgd when bag.Tensors.TryGetValue(name + ".momentum_buffer", out Tensor? saved):
                    using (IDisposable _ = no_grad())
                    {
                        sgd.momentum_buffer = saved.to(device, copy: true).DetachFromDisposeScope();
                    }

                    break;
            }
        }
    }

    private static IEnumerable<(string Name, OptimizerState State)> States(OptimizerHelper optimizer) =>
        optimizer.state_dict().State.Select((state, i) => ($"optimizer.{i}", state));
}
