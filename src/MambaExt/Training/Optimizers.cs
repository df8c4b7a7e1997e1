using MambaExt.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Optimizers with the parameter groups that Mamba models want.</summary>
public static class Optimizers
{
    /// <summary>AdamW in two groups: parameters that <see cref="MambaBlock.NoWeightDecay"/> names go without decay.</summary>
    public static AdamW AdamW(nn.Module model, double learningRate, double weightDecay)
    {
        if (!(learningRate > 0 && double.IsFinite(learningRate)) || !(weightDecay >= 0 && double.IsFinite(weightDecay)))
        {
            throw new ArgumentException($"The learning rate is {learningRate} and the weight decay {weightDecay}; the first must be above 0 and the second not below, both finite.");
        }

        ILookup<bool, Parameter> groups = model.named_parameters().ToLookup(p => MambaBlock.NoWeightDecay(p.name), p => p.parameter);
        var list = new List<AdamW.ParamGroup> { new(groups[false], learningRate, weight_decay: weightDecay) };
        if (groups[true].Any())
        {
            list.Add(new AdamW.ParamGroup(groups[true], learningRate, weight_decay: 0));
        }

        return optim.AdamW(list, learningRate, weight_decay: weightDecay);
    }
}
