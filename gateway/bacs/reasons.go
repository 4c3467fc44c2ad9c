package bacs

// Actions that several codes share.
const (
	actStop      = "Stop collecting under this instruction. Ask the payer how they will pay."
	actEstate    = "Stop collecting at once and write to nobody as if the payer were alive. Hand the account to whoever handles estates."
	actNewBank   = "Stop collecting from the old account. Use the new details if the bank has sent them, else ask the payer for them."
	actNotice    = "Compare the amount and date with the advance notice that was sent. Settle it with the payer and send a new notice before collecting again."
	actReplace   = "Ask the payer for account details that take direct debits, and lodge a new instruction."
	actOwnData   = "Correct the record and lodge the instruction again. Look for other records with the same fault."
	actSwitched  = "Collect from the new account from now on. The banks have moved the instruction: send no cancellation and no new one for it."
	actFixSource = "Correct the account details in your records before the next file, or the same will happen again."
	actSource    = "Check the originating account details that the file uses against those registered for the service user."
	actRefund    = "The money is taken back from you. If you can prove the claim wrong, challenge it through your bank within the scheme's time limit; settle the debt with the payer directly."
)

// reasons is every code of the public lists. Codes without an entry are
// unknown, not invalid.
var reasons = [...]Reason{
	{Report: KindARUDD, Code: "0", Meaning: "refer to payer; mostly there was not enough money in the account", Action: "Talk to the payer. The same amount may be collected again within a month as a re-presentation (transaction code 18)."},
	{Report: KindARUDD, Code: "1", Meaning: "the instruction has been cancelled", Action: actStop + " A new instruction is needed before anything else is collected."},
	{Report: KindARUDD, Code: "2", Meaning: "the payer has died", Action: actEstate},
	{Report: KindARUDD, Code: "3", Meaning: "the account was moved to another bank", Action: actNewBank},
	{Report: KindARUDD, Code: "4", Meaning: "the payer disputes the advance notice", Action: actNotice},
	{Report: KindARUDD, Code: "5", Meaning: "there is no such account, or it is of a kind that takes no direct debits", Action: actReplace},
	{Report: KindARUDD, Code: "6", Meaning: "the bank holds no instruction", Action: "Lodge the instruction, if the payer has signed one, and collect once the bank has taken it."},
	{Report: KindARUDD, Code: "7", Meaning: "the amount differs from what the payer was told", Action: actNotice},
	{Report: KindARUDD, Code: "8", Meaning: "the amount was not yet due", Action: "Collect on or after the day that the advance notice names."},
	{Report: KindARUDD, Code: "9", Meaning: "the collection was presented too late", Action: "Agree on a new day with the payer, send a new advance notice and collect then."},
	{Report: KindARUDD, Code: "A", Meaning: "the service user is not the one that the instruction names", Action: "Check under which service user number the instruction was lodged, and collect under that one."},
	{Report: KindARUDD, Code: "B", Meaning: "the account is closed", Action: actReplace},

	{Report: KindADDACS, Code: "0", Meaning: "the bank has cancelled the instruction; refer to the payer", Action: actStop},
	{Report: KindADDACS, Code: "1", Meaning: "the payer has cancelled the instruction", Action: actStop},
	{Report: KindADDACS, Code: "2", Meaning: "the payer has died", Action: actEstate},
	{Report: KindADDACS, Code: "3", Meaning: "the account was moved to another bank", Action: actSwitched + " Without new details, ask the payer for them."},
	{Report: KindADDACS, Code: "B", Meaning: "the account is closed", Action: actReplace},
	{Report: KindADDACS, Code: "C", Meaning: "the account was moved to another branch or number of the same bank", Action: actSwitched},
	{Report: KindADDACS, Code: "D", Meaning: "the payer disputes the advance notice", Action: actNotice},
	{Report: KindADDACS, Code: "E", Meaning: "the instruction was amended", Action: "Take over what the advice changes before the next collection."},
	{Report: KindADDACS, Code: "R", Meaning: "the instruction is reinstated", Action: "Collect again as before; undo what was done when it was cancelled."},

	{Report: KindAUDDIS, Code: "1", Meaning: "the payer has cancelled the instruction", Action: actStop},
	{Report: KindAUDDIS, Code: "2", Meaning: "the payer has died", Action: actEstate},
	{Report: KindAUDDIS, Code: "3", Meaning: "the account was moved to another bank", Action: actNewBank},
	{Report: KindAUDDIS, Code: "5", Meaning: "there is no such account", Action: actReplace},
	{Report: KindAUDDIS, Code: "6", Meaning: "the bank holds no instruction", Action: "There is nothing to cancel or convert: correct your records, or lodge a new instruction if the payer has signed one."},
	{Report: KindAUDDIS, Code: "7", Meaning: "the amount of an instruction is not zero", Action: actOwnData},
	{Report: KindAUDDIS, Code: "B", Meaning: "the account is closed", Action: actReplace},
	{Report: KindAUDDIS, Code: "C", Meaning: "the account was moved to another branch or number of the same bank", Action: actSwitched},
	{Report: KindAUDDIS, Code: "F", Meaning: "the account type is not valid", Action: actOwnData},
	{Report: KindAUDDIS, Code: "G", Meaning: "the bank allows no direct debits on this account", Action: actReplace},
	{Report: KindAUDDIS, Code: "H", Meaning: "the instruction has expired", Action: "Ask the payer for a new instruction and lodge it."},
	{Report: KindAUDDIS, Code: "I", Meaning: "the payer's reference is not unique", Action: "Give the payer a reference of their own and lodge the instruction again."},
	{Report: KindAUDDIS, Code: "K", Meaning: "the paying bank has cancelled the instruction", Action: actStop},
	{Report: KindAUDDIS, Code: "L", Meaning: "the payer's account details are wrong", Action: "Ask the payer for the right details and lodge the instruction again."},
	{Report: KindAUDDIS, Code: "M", Meaning: "the transaction code does not fit the status of the service user", Action: "Ask the bureau or sponsoring bank whether the service user is live for electronic instructions, then lodge again."},
	{Report: KindAUDDIS, Code: "N", Meaning: "the branch takes no such instruction", Action: actReplace},
	{Report: KindAUDDIS, Code: "O", Meaning: "the payer's reference is not valid", Action: actOwnData},
	{Report: KindAUDDIS, Code: "P", Meaning: "the payer's name is missing", Action: actOwnData},
	{Report: KindAUDDIS, Code: "Q", Meaning: "the service user's name is blank", Action: actOwnData},

	{Report: KindAUDREJ, Code: "30410", Meaning: "the service user is in test status, or not registered for electronic instructions", Action: "Ask the bureau or sponsoring bank for the status of the service user, then submit the file again."},

	{Report: KindAWACS, Code: "0", Meaning: "the credit went through, but the details were wrong; the right ones are supplied", Action: actFixSource},
	{Report: KindAWACS, Code: "3", Meaning: "the account was moved to another bank; the new details are supplied", Action: actFixSource},

	{Report: KindARUCS, Code: "0", Meaning: "the account details are not valid", Action: "Ask the beneficiary for the right details and pay again."},
	{Report: KindARUCS, Code: "2", Meaning: "the beneficiary has died", Action: "Pay nothing more to the account. Hand it to whoever handles estates."},
	{Report: KindARUCS, Code: "3", Meaning: "the account was moved to another bank", Action: "Ask the beneficiary for the new details and pay again."},
	{Report: KindARUCS, Code: "5", Meaning: "there is no such account", Action: "Ask the beneficiary for the right details and pay again."},
	{Report: KindARUCS, Code: "B", Meaning: "the account is closed", Action: "Ask the beneficiary for another account and pay again."},
	{Report: KindARUCS, Code: "C", Meaning: "the remitter asked for the credit back", Action: "Book the money as returned. Find out who asked, if it was not you."},

	{Report: KindDDIC, Code: "1", Meaning: "the amount or date differs from the advance notice", Action: actRefund},
	{Report: KindDDIC, Code: "2", Meaning: "no advance notice was received, or the amount is disputed", Action: actRefund},
	{Report: KindDDIC, Code: "3", Meaning: "the instruction had already been cancelled by the paying bank", Action: actRefund + " Find out why the ADDACS advice was not acted upon."},
	{Report: KindDDIC, Code: "4", Meaning: "the payer had cancelled the instruction with the service user", Action: actRefund + " Find out why the cancellation was not acted upon."},
	{Report: KindDDIC, Code: "5", Meaning: "the payer gave no authority, or none is held", Action: actRefund + " Look for the signed instruction."},
	{Report: KindDDIC, Code: "6", Meaning: "the signature on the instruction is not genuine", Action: actRefund + " Treat it as possible fraud."},
	{Report: KindDDIC, Code: "7", Meaning: "the service user itself asked for the claim", Action: "Match it with your own request; nothing else is to be done."},
	{Report: KindDDIC, Code: "8", Meaning: "the payer does not recognise the service user", Action: actRefund + " Check that statements show a name that payers know."},

	{Report: KindInput, Code: "A", Meaning: "originating account details are invalid (bank's)", Action: actSource},
	{Report: KindInput, Code: "B", Meaning: "originating account details are invalid (customer's)", Action: actSource},
	{Report: KindInput, Code: "C", Meaning: "destination sort code and originating details are invalid (bank's)", Action: actFixSource},
	{Report: KindInput, Code: "D", Meaning: "destination sort code and originating details are invalid (customer's)", Action: actFixSource},
	{Report: KindInput, Code: "E", Meaning: "the destination sort code is invalid", Action: actFixSource},
	{Report: KindInput, Code: "F", Meaning: "account type and originating details are invalid (bank's)", Action: actFixSource},
	{Report: KindInput, Code: "G", Meaning: "account type and originating details are invalid (customer's)", Action: actFixSource},
	{Report: KindInput, Code: "H", Meaning: "destination sort code, account type and originating details are invalid (bank's)", Action: actFixSource},
	{Report: KindInput, Code: "I", Meaning: "destination sort code, account type and originating details are invalid (customer's)", Action: actFixSource},
	{Report: KindInput, Code: "J", Meaning: "destination sort code and account type are invalid", Action: actFixSource},
	{Report: KindInput, Code: "K", Meaning: "the account type is invalid", Action: actFixSource},
	{Report: KindInput, Code: "L", Meaning: "several fields are invalid", Action: actFixSource},
	{Report: KindInput, Code: "M", Meaning: "destination account number and name are invalid", Action: actFixSource},
	{Report: KindInput, Code: "N", Meaning: "contra details are invalid", Action: "Check the contra records that the file, or the bureau for it, has made."},
	{Report: KindInput, Code: "O", Meaning: "the reference is invalid", Action: "Correct the reference and submit the item again."},
	{Report: KindInput, Code: "P", Meaning: "the account does not support the currency", Action: "Ask for an account in the currency of the payment."},
	{Report: KindInput, Code: "Q", Meaning: "Bacs has reversed the item", Action: "Ask the bureau or sponsoring bank why before submitting it again."},
	{Report: KindInput, Code: "R", Meaning: "Bacs has reversed the item", Action: "Ask the bureau or sponsoring bank why before submitting it again."},
	{Report: KindInput, Code: "S", Meaning: "the item was recalled automatically", Action: "Make sure that the recall was meant, then submit again what was not."},
	{Report: KindInput, Code: "T", Meaning: "the originating account was replaced by the main account, which lacks the currency", Action: actSource},
	{Report: KindInput, Code: "Y", Meaning: "the transaction code is not accepted at that sort code", Action: "Ask for an account that takes this kind of payment."},
}
