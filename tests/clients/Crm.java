import crm.*;
import java.math.BigDecimal;

/** Drives crm-sync by what wsimport made of its WSDL. */
public final class Crm {
    private static final ObjectFactory MAKE = new ObjectFactory();

    public static void main(String[] arguments) throws Exception {
        WebServiceProviderPort port = new WebServiceProvider().getWebServiceProviderPort();

        Account account = new Account();
        account.setName("Edge & Söhne");
        account.setAnnualRevenue(MAKE.createAccountAnnualRevenue(new BigDecimal("139000000.50")));
        account.setBillingCountry(MAKE.createAccountBillingCountry("DE"));
        AccountResult made = port.createAccount(account);
        check(made.getId().length() == 18, made.getId());
        check(made.getName().equals("Edge & Söhne"), made.getName());

        check(port.getAccount(made.getId()).getName().equals(made.getName()), "get");
        try {
            port.getAccount("001D000000IqhSMIAZ");
            throw new AssertionError("there is no such Account");
        } catch (ProblemFault fault) {
            check(fault.getFaultInfo().getStatus() == 404, "" + fault.getFaultInfo().getStatus());
        }

        // A country of this run: others may have filled the same table.
        String country = java.util.UUID.randomUUID().toString();
        for (int number = 0; number < 103; number++) {
            Account one = new Account();
            one.setName(String.format("Account %03d", number));
            one.setBillingCountry(MAKE.createAccountBillingCountry(country));
            port.createAccount(one);
        }
        AccountResponseList first = port.queryAccount(null, null, null, null, country);
        check(first.getAccountResult().size() == 100 && first.getMoreDataToken() != null, "the first page");
        AccountResponseList rest = port.queryAccountMoreResults(first.getMoreDataToken());
        check(rest.getAccountResult().size() == 3 && rest.getMoreDataToken() == null, "the second page");
        check(rest.getAccountResult().get(2).getName().equals("Account 102"), "the last one");

        Account change = new Account();
        change.setPhone(MAKE.createAccountPhone("1"));
        check(port.updateAccount(made.getId(), change).getPhone().equals("1"), "update");

        port.deleteAccount(made.getId());
        try {
            port.getAccount(made.getId());
            throw new AssertionError("it was deleted");
        } catch (ProblemFault fault) {
            check(fault.getFaultInfo().getStatus() == 404, "deleted");
        }
        System.out.println("JAX-WS has done it all");
    }

    private static void check(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }
}
